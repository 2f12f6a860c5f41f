package io.vecferry.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Tests that need a real server.
 *
 * <p>On a class, the server runs before the first test; a parameter of type {@link RunningServer}
 * gets it. On a static field or a parameter of a test of that type, it is started and put in. It is
 * started once per JVM, or shared when it runs already, and ended after the last test unless
 * somebody else started or uses it.
 *
 * <p>Tests are skipped when the server cannot be started here, and fail when the environment says
 * {@code CI=true}.
 */
@Target({ElementType.TYPE, ElementType.FIELD, ElementType.PARAMETER})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@Repeatable(WithServer.Several.class)
@ExtendWith(ServerExtension.class)
public @interface WithServer {
  Server value();

  /**
   * Name of a server of this JVM's own, with data of its own, that may be killed. Default: the one
   * that all share, in which tests name their collections so that they do not meet.
   */
  String instance() default "";

  /** Holds repeated annotations. */
  @Target(ElementType.TYPE)
  @Retention(RetentionPolicy.RUNTIME)
  @Inherited
  @ExtendWith(ServerExtension.class)
  @interface Several {
    WithServer[] value();
  }
}
