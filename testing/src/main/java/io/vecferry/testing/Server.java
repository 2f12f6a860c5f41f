package io.vecferry.testing;

import java.util.Locale;

/** A kind of server that {@code deploy/local} can start. */
public enum Server {
  CHROMA,
  MILVUS,
  /** Lets only users in: root, whose password is Milvus. */
  MILVUS_SECURED,
  MILVUS_LITE,
  TEMPORAL,
  /** S3Proxy; its key is vecferry, the secret of that vecferry-secret. */
  S3,
  ELASTICSEARCH_8,
  ELASTICSEARCH_9,
  /** Over TLS, lets only users in: elastic, whose password is Elastic. */
  ELASTICSEARCH_SECURED,
  /** The project's test server over Qdrant's engine, or a real server. */
  QDRANT,
  /** The same as the oldest version of Qdrant that is supported. */
  QDRANT_OLD;

  /** Its name in the commands of {@code deploy/local}. */
  public String launcherName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
