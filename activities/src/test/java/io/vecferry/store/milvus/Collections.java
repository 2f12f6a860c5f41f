package io.vecferry.store.milvus;

import io.milvus.grpc.AlterAliasRequest;
import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.CreateAliasRequest;
import io.milvus.grpc.CreateCollectionRequest;
import io.milvus.grpc.CreateIndexRequest;
import io.milvus.grpc.DataType;
import io.milvus.grpc.DropAliasRequest;
import io.milvus.grpc.DropCollectionRequest;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.FieldSchema;
import io.milvus.grpc.FloatArray;
import io.milvus.grpc.InsertRequest;
import io.milvus.grpc.ListAliasesRequest;
import io.milvus.grpc.LongArray;
import io.milvus.grpc.MutationResult;
import io.milvus.grpc.RenameCollectionRequest;
import io.milvus.grpc.ScalarField;
import io.milvus.grpc.ShowCollectionsRequest;
import io.milvus.grpc.Status;
import io.milvus.grpc.StringArray;
import io.milvus.grpc.VectorField;
import io.vecferry.store.StoreSettings;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Collections of tests, made and filled as others than vecferry do it. */
final class Collections {
  private Collections() {}

  /** A name that no other test has. */
  static String name(String what) {
    return what + "_" + UUID.randomUUID().toString().replace("-", "").substring(0, 12);
  }

  /** A client of a server that asks for no password. */
  static MilvusClient client(String url) {
    return MilvusClient.connect(
        MilvusOptions.read(StoreSettings.of("target", "url", url, "collection", "any")));
  }

  /** Drops collections that are there. */
  static void drop(String url, String... names) {
    try (MilvusClient client = client(url)) {
      for (String name : names) {
        client.ask(
            "dropping " + name,
            stub ->
                stub.dropCollection(
                    DropCollectionRequest.newBuilder().setCollectionName(name).build()));
      }
    }
  }

  /** Drops all collections whose names start so, with their aliases. */
  static void dropAll(String url, String prefix) {
    try (MilvusClient client = client(url)) {
      client
          .ask("listing", stub -> stub.showCollections(ShowCollectionsRequest.getDefaultInstance()))
          .getCollectionNamesList()
          .stream()
          .filter(name -> name.startsWith(prefix))
          .forEach(
              name -> {
                client
                    .ask(
                        "looking",
                        stub ->
                            stub.listAliases(
                                ListAliasesRequest.newBuilder().setCollectionName(name).build()))
                    .getAliasesList()
                    .forEach(
                        alias ->
                            client.run(
                                "dropping",
                                stub ->
                                    stub.dropAlias(
                                        DropAliasRequest.newBuilder().setAlias(alias).build())));
                drop(url, name);
              });
    }
  }

  /** Makes an alias, or makes it lead elsewhere. */
  static void alias(String url, String alias, String collection) {
    try (MilvusClient client = client(url)) {
      Status made =
          client.ask(
              "making an alias",
              stub ->
                  stub.createAlias(
                      CreateAliasRequest.newBuilder()
                          .setAlias(alias)
                          .setCollectionName(collection)
                          .build()));
      if (!MilvusErrors.isOk(made)) {
        client.run(
            "moving an alias",
            stub ->
                stub.alterAlias(
                    AlterAliasRequest.newBuilder()
                        .setAlias(alias)
                        .setCollectionName(collection)
                        .build()));
      }
    }
  }

  static void rename(String url, String from, String to) {
    try (MilvusClient client = client(url)) {
      client.run(
          "renaming",
          stub ->
              stub.renameCollection(
                  RenameCollectionRequest.newBuilder().setOldName(from).setNewName(to).build()));
    }
  }

  static FieldSchema.Builder field(String name, DataType type, String... parameters) {
    FieldSchema.Builder field = FieldSchema.newBuilder().setName(name).setDataType(type);
    for (int i = 0; i < parameters.length; i += 2) {
      field.addTypeParams(MilvusCollection.parameter(parameters[i], parameters[i + 1]));
    }
    return field;
  }

  static void create(
      MilvusClient client, String name, CollectionSchema.Builder schema, Map<String, String> more) {
    client.run(
        "creating " + name,
        stub ->
            stub.createCollection(
                CreateCollectionRequest.newBuilder()
                    .setCollectionName(name)
                    .setSchema(schema.setName(name).build().toByteString())
                    .setShardsNum(2)
                    .addAllProperties(NativeSchema.pairs(more))
                    .build()));
  }

  static void index(MilvusClient client, String name, String field, String... parameters) {
    CreateIndexRequest.Builder request =
        CreateIndexRequest.newBuilder().setCollectionName(name).setFieldName(field);
    for (int i = 0; i < parameters.length; i += 2) {
      request.addExtraParams(MilvusCollection.parameter(parameters[i], parameters[i + 1]));
    }
    client.run("making an index", stub -> stub.createIndex(request.build()));
  }

  static void insert(
      MilvusClient client, String name, String partition, int rows, List<FieldData> columns) {
    client.get(
        MilvusErrors.Call.WRITE,
        "inserting",
        stub ->
            stub.insert(
                InsertRequest.newBuilder()
                    .setCollectionName(name)
                    .setPartitionName(partition)
                    .addAllFieldsData(columns)
                    .setNumRows(rows)
                    .build()),
        MutationResult::getStatus);
  }

  static FieldData column(String name, DataType type, ScalarField.Builder values) {
    return FieldData.newBuilder().setFieldName(name).setType(type).setScalars(values).build();
  }

  static FieldData longs(String name, long... values) {
    LongArray.Builder array = LongArray.newBuilder();
    for (long value : values) {
      array.addData(value);
    }
    return column(name, DataType.Int64, ScalarField.newBuilder().setLongData(array));
  }

  static FieldData texts(String name, String... values) {
    return column(
        name,
        DataType.VarChar,
        ScalarField.newBuilder()
            .setStringData(StringArray.newBuilder().addAllData(List.of(values))));
  }

  static FieldData floats(String name, int dimension, float... values) {
    FloatArray.Builder array = FloatArray.newBuilder();
    for (float value : values) {
      array.addData(value);
    }
    return FieldData.newBuilder()
        .setFieldName(name)
        .setType(DataType.FloatVector)
        .setVectors(VectorField.newBuilder().setDim(dimension).setFloatVector(array))
        .build();
  }
}
