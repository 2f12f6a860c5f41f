package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.client.WorkflowQueryException;
import org.junit.jupiter.api.Test;

class TemporalTest {
  @Test
  void aWorkerThatHasNoTimeDoesNotAnswer() {
    assertThat(
            Temporal.answer(
                () -> {
                  throw refusal("[TMPRL1101] Potential deadlock detected. Workflow thread");
                }))
        .isEmpty();
  }

  @Test
  void whatAWorkerRefusesIsTold() {
    assertThatThrownBy(
            () ->
                Temporal.answer(
                    () -> {
                      throw refusal("Unknown query type: retention");
                    }))
        .isInstanceOf(WorkflowQueryException.class)
        .hasStackTraceContaining("Unknown query type: retention");
  }

  private static WorkflowQueryException refusal(String message) {
    return new WorkflowQueryException(
        WorkflowExecution.getDefaultInstance(),
        "MigrationWorkflow",
        Status.INVALID_ARGUMENT.withDescription(message).asRuntimeException());
  }
}
