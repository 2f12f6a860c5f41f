package io.vecferry.store;

import java.io.IOException;

/**
 * A place of secrets beside the environment and files, as a vault. Found by {@link
 * java.util.ServiceLoader}; it has to be on the class path of workers, and of the command lines
 * that check the specs that refer to it. Thread-safe.
 */
public interface SecretProvider {

  /** What stands before the colon of a reference: small letters, and neither env nor file. */
  String scheme();

  /**
   * The secret, read now; a store is opened anew when a step is tried again.
   *
   * @param place what stands behind the colon
   * @throws IOException when it cannot be had; the message says why and shows no secret
   */
  String read(String place) throws IOException;
}
