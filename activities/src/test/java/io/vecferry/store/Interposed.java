package io.vecferry.store;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/** Passes every call on to what it stands for; a fault changes some of them. */
public final class Interposed implements InvocationHandler {
  private final Object inner;
  private final Fault fault;

  /** What goes wrong between a store and its user. */
  public interface Fault {

    /** What the store gets in place of an argument. */
    default Object argument(String method, Object argument) {
      return argument;
    }

    /** What the user gets in place of a result. */
    default Object result(String method, Object result) {
      return result;
    }
  }

  private Interposed(Object inner, Fault fault) {
    this.inner = inner;
    this.fault = fault;
  }

  /** Something of a type with a fault before it. */
  public static <T> T of(Class<T> type, T inner, Fault fault) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(), new Class<?>[] {type}, new Interposed(inner, fault)));
  }

  @Override
  public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
    Object[] changed = arguments == null ? new Object[0] : arguments.clone();
    for (int i = 0; i < changed.length; i++) {
      // A store that gets another one looks into it.
      boolean interposed =
          changed[i] instanceof VectorStore && Proxy.isProxyClass(changed[i].getClass());
      changed[i] =
          interposed
              ? ((Interposed) Proxy.getInvocationHandler(changed[i])).inner
              : fault.argument(method.getName(), changed[i]);
    }
    try {
      return fault.result(method.getName(), method.invoke(inner, changed));
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
