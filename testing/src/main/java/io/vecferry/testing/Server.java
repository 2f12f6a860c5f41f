package io.vecferry.testing;

import java.util.Locale;

/** A kind of server that {@code deploy/local} can start. */
public enum Server {
  CHROMA,
  MILVUS,
  MILVUS_LITE;

  /** Its name in the commands of {@code deploy/local}. */
  public String launcherName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
