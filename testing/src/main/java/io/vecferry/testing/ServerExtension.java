package io.vecferry.testing;

import static org.junit.platform.commons.support.AnnotationSupport.findAnnotatedFields;
import static org.junit.platform.commons.support.AnnotationSupport.findAnnotation;
import static org.junit.platform.commons.support.AnnotationSupport.findRepeatableAnnotations;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Starts what {@link WithServer} asks for. */
final class ServerExtension implements ExecutionCondition, BeforeAllCallback, ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(ServerExtension.class);

  /** Starts the servers of a class or of a test, because only a condition skips with a reason. */
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    List<WithServer> wanted = new ArrayList<>();
    if (context.getTestMethod().isPresent()) {
      for (Parameter parameter : context.getRequiredTestMethod().getParameters()) {
        findAnnotation(parameter, WithServer.class).ifPresent(wanted::add);
      }
    } else {
      Class<?> tests = context.getRequiredTestClass();
      wanted.addAll(findRepeatableAnnotations(tests, WithServer.class));
      for (Field field : findAnnotatedFields(tests, WithServer.class)) {
        wanted.add(field.getAnnotation(WithServer.class));
      }
    }
    for (WithServer one : wanted) {
      Start start = start(context, one);
      if (start.problem != null) {
        return unavailable(start.problem, "true".equals(System.getenv("CI")));
      }
    }
    return ConditionEvaluationResult.enabled("all servers run");
  }

  /** Tests are skipped, except where somebody counts on them. */
  static ConditionEvaluationResult unavailable(
      ServerUnavailableException problem, boolean mustRun) {
    if (mustRun) {
      throw new IllegalStateException(problem.getMessage(), problem);
    }
    return ConditionEvaluationResult.disabled(problem.getMessage());
  }

  @Override
  public void beforeAll(ExtensionContext context) throws IllegalAccessException {
    for (Field field : findAnnotatedFields(context.getRequiredTestClass(), WithServer.class)) {
      if (!Modifier.isStatic(field.getModifiers()) || field.getType() != RunningServer.class) {
        throw new ExtensionConfigurationException(
            "@WithServer needs a static field of type RunningServer: " + field);
      }
      field.setAccessible(true);
      field.set(null, start(context, field.getAnnotation(WithServer.class)).server());
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == RunningServer.class;
  }

  @Override
  public RunningServer resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return start(
            context,
            parameter
                .findAnnotation(WithServer.class)
                .orElseGet(() -> onlyOneOf(context.getRequiredTestClass())))
        .server();
  }

  private static WithServer onlyOneOf(Class<?> tests) {
    List<WithServer> wanted = findRepeatableAnnotations(tests, WithServer.class);
    if (wanted.size() != 1) {
      throw new ExtensionConfigurationException(
          "say which server with @WithServer at the parameter of " + tests.getName());
    }
    return wanted.get(0);
  }

  private static Start start(ExtensionContext context, WithServer wanted) {
    return context
        .getRoot()
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(
            wanted.value().launcherName() + "/" + wanted.instance(),
            key -> new Start(wanted),
            Start.class);
  }

  /** One attempt to start a server, good or bad: nobody waits twice for one that does not start. */
  private static final class Start implements AutoCloseable {
    private final RunningServer server;
    private final ServerUnavailableException problem;

    Start(WithServer wanted) {
      RunningServer started = null;
      ServerUnavailableException thrown = null;
      try {
        started = RunningServer.start(Launchers.find(), wanted.value(), wanted.instance());
      } catch (ServerUnavailableException e) {
        thrown = e;
      }
      server = started;
      problem = thrown;
    }

    RunningServer server() {
      if (problem != null) {
        throw new IllegalStateException(problem.getMessage(), problem);
      }
      if (server.isOwnedByThisJvm()) {
        // Another test may have killed it.
        server.restart();
      }
      return server;
    }

    /** Called when the last test has ended. */
    @Override
    public void close() throws ServerUnavailableException {
      if (server != null) {
        server.release();
      }
    }
  }
}
