package io.vecferry.store.qdrant;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.qdrant.client.grpc.Collections.CreateCollection;
import io.qdrant.client.grpc.Collections.HnswConfigDiff;
import io.qdrant.client.grpc.Collections.OptimizersConfigDiff;
import io.qdrant.client.grpc.Collections.UpdateCollection;
import io.qdrant.client.grpc.Collections.VectorParams;
import io.qdrant.client.grpc.Collections.VectorParamsDiff;
import io.qdrant.client.grpc.Collections.VectorParamsDiffMap;
import io.qdrant.client.grpc.Collections.VectorsConfigDiff;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What of a collection's configuration has to wait until it is loaded. The graph: building it once
 * is cheaper than building it again and again, and a degree of 0 is how Qdrant is told to leave it.
 * Strict mode: its limits are for the collection's users. Hiding points that are not in the graph
 * yet: they would be missing from the proof.
 *
 * <p>It is noted with the collection, because the load may be finished by another process.
 */
final class Deferral {
  /** The degree of a graph when a server is told nothing. */
  static final long DEFAULT_DEGREE = 16;

  private Deferral() {}

  /**
   * Takes out of a collection to be created what has to wait.
   *
   * @return the change that brings it about
   */
  static UpdateCollection defer(CreateCollection.Builder create) {
    UpdateCollection.Builder later = UpdateCollection.newBuilder();
    long degree = create.getHnswConfig().hasM() ? create.getHnswConfig().getM() : DEFAULT_DEGREE;
    later.setHnswConfig(HnswConfigDiff.newBuilder().setM(degree));
    create.getHnswConfigBuilder().setM(0);
    Map<String, Long> degrees = deferOwnDegrees(create);
    if (!degrees.isEmpty()) {
      VectorParamsDiffMap.Builder fields = VectorParamsDiffMap.newBuilder();
      degrees.forEach(
          (name, own) ->
              fields.putMap(
                  name,
                  VectorParamsDiff.newBuilder()
                      .setHnswConfig(HnswConfigDiff.newBuilder().setM(own))
                      .build()));
      later.setVectorsConfig(VectorsConfigDiff.newBuilder().setParamsMap(fields));
    }
    if (create.hasStrictModeConfig()) {
      later.setStrictModeConfig(create.getStrictModeConfig());
      create.clearStrictModeConfig();
    }
    if (create.getOptimizersConfig().getPreventUnoptimized()) {
      later.setOptimizersConfig(OptimizersConfigDiff.newBuilder().setPreventUnoptimized(true));
      create.getOptimizersConfigBuilder().clearPreventUnoptimized();
    }
    return later.build();
  }

  /** Fields may have a graph of their own beside the collection's. */
  private static Map<String, Long> deferOwnDegrees(CreateCollection.Builder create) {
    Map<String, Long> degrees = new LinkedHashMap<>();
    if (create.getVectorsConfig().hasParams()) {
      deferOwnDegree(create.getVectorsConfigBuilder().getParamsBuilder(), "", degrees);
    }
    Map<String, VectorParams> fields =
        new LinkedHashMap<>(create.getVectorsConfig().getParamsMap().getMapMap());
    for (Map.Entry<String, VectorParams> field : fields.entrySet()) {
      VectorParams.Builder params = field.getValue().toBuilder();
      deferOwnDegree(params, field.getKey(), degrees);
      create.getVectorsConfigBuilder().getParamsMapBuilder().putMap(field.getKey(), params.build());
    }
    return degrees;
  }

  private static void deferOwnDegree(
      VectorParams.Builder params, String name, Map<String, Long> degrees) {
    if (params.getHnswConfig().hasM()) {
      degrees.put(name, params.getHnswConfig().getM());
      params.getHnswConfigBuilder().setM(0);
    }
  }

  static String toJson(UpdateCollection later) {
    try {
      return JsonFormat.printer().omittingInsignificantWhitespace().print(later);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }

  static UpdateCollection parse(String json) {
    try {
      UpdateCollection.Builder later = UpdateCollection.newBuilder();
      JsonFormat.parser().ignoringUnknownFields().merge(json, later);
      return later.build();
    } catch (InvalidProtocolBufferException e) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "the note on how to finish the load is no longer readable: " + e.getMessage(),
          e);
    }
  }
}
