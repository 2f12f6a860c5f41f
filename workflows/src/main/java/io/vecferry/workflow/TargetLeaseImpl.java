package io.vecferry.workflow;

import io.temporal.workflow.Workflow;

/** Does nothing for as long as its migration runs. */
public final class TargetLeaseImpl implements TargetLease {

  @Override
  public void hold(String holder) {
    Workflow.await(() -> false);
  }
}
