package io.vecferry.phase;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;

/** A part has to wait until others on this worker are done. */
final class HeldBack extends StoreException {
  HeldBack(String message) {
    super(FailureClass.RESOURCE_EXHAUSTED, message);
  }
}
