package io.vecferry.workflow;

import io.temporal.workflow.CancellationScope;

/** Does nothing for as long as its migration runs. */
public final class TargetLeaseImpl implements TargetLease {

  @Override
  public void hold(String holder) {
    CancellationScope.current().getCancellationRequest().get();
  }
}
