package io.vecferry.store.milvus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.milvus.grpc.CreateCredentialRequest;
import io.milvus.grpc.CreateRoleRequest;
import io.milvus.grpc.DeleteCredentialRequest;
import io.milvus.grpc.DropRoleRequest;
import io.milvus.grpc.GrantEntity;
import io.milvus.grpc.GrantorEntity;
import io.milvus.grpc.ObjectEntity;
import io.milvus.grpc.OperatePrivilegeRequest;
import io.milvus.grpc.OperatePrivilegeType;
import io.milvus.grpc.OperateUserRoleRequest;
import io.milvus.grpc.OperateUserRoleType;
import io.milvus.grpc.PrivilegeEntity;
import io.milvus.grpc.RoleEntity;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.IdKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A user who may make and fill collections, and neither rename nor drop them. */
@Tag("slow")
@Timeout(180)
@WithServer(Server.MILVUS_SECURED)
class MilvusRightsTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");
  private static final LoadStamp EARLIER = new LoadStamp("earlier", "load-0");
  private static final String PASSWORD = "secret1";
  private static final Map<String, List<String>> RIGHTS =
      Map.of(
          "Collection",
          List.of("*"),
          "Global",
          List.of(
              "CreateCollection",
              "DescribeCollection",
              "ShowCollections",
              "DescribeAlias",
              "ListAliases"));

  @TempDir Path folder;

  private final StoreProvider provider = Stores.get("milvus");
  private final String collection = Collections.name("rights");
  private final String user = Collections.name("user").substring(0, 12);
  private String url;
  private MilvusClient administrator;

  @BeforeEach
  void makeTheUser(RunningServer server) throws IOException {
    url = server.url();
    administrator = MilvusClient.connect(MilvusOptions.read(as("root:Milvus")));
    administrator.run(
        "making a user",
        stub ->
            stub.createCredential(
                CreateCredentialRequest.newBuilder()
                    .setUsername(user)
                    .setPassword(
                        Base64.getEncoder()
                            .encodeToString(PASSWORD.getBytes(StandardCharsets.UTF_8)))
                    .build()));
    administrator.run(
        "making a role",
        stub ->
            stub.createRole(
                CreateRoleRequest.newBuilder()
                    .setEntity(RoleEntity.newBuilder().setName(user))
                    .build()));
    operate(OperatePrivilegeType.Grant);
    administrator.run(
        "giving the role",
        stub ->
            stub.operateUserRole(
                OperateUserRoleRequest.newBuilder()
                    .setUsername(user)
                    .setRoleName(user)
                    .setType(OperateUserRoleType.AddUserToRole)
                    .build()));
  }

  @AfterEach
  void removeTheUser() throws IOException {
    drop(provider.loadBesideSettings(as("root:Milvus"), STAMP.migration()), STAMP);
    drop(as("root:Milvus"), EARLIER);
    administrator.run(
        "dropping a user",
        stub ->
            stub.deleteCredential(DeleteCredentialRequest.newBuilder().setUsername(user).build()));
    operate(OperatePrivilegeType.Revoke);
    administrator.run(
        "dropping a role",
        stub -> stub.dropRole(DropRoleRequest.newBuilder().setRoleName(user).build()));
    administrator.close();
  }

  private void drop(StoreSettings settings, LoadStamp stamp) {
    try (VectorStore store = provider.open(settings)) {
      store.drop(stamp);
    }
  }

  private void operate(OperatePrivilegeType type) {
    RIGHTS.forEach(
        (object, privileges) ->
            privileges.forEach(
                privilege ->
                    administrator.run(
                        "changing a role",
                        stub ->
                            stub.operatePrivilege(
                                OperatePrivilegeRequest.newBuilder()
                                    .setType(type)
                                    .setEntity(
                                        GrantEntity.newBuilder()
                                            .setRole(RoleEntity.newBuilder().setName(user))
                                            .setObject(ObjectEntity.newBuilder().setName(object))
                                            .setObjectName("*")
                                            .setGrantor(
                                                GrantorEntity.newBuilder()
                                                    .setPrivilege(
                                                        PrivilegeEntity.newBuilder()
                                                            .setName(privilege))))
                                    .build()))));
  }

  private StoreSettings as(String token) throws IOException {
    Path secret = folder.resolve(token.replace(':', '-'));
    return StoreSettings.of(
        "target",
        "url",
        url,
        "collection",
        collection,
        "auth.token",
        "file:" + Files.writeString(secret, token));
  }

  private void make(StoreSettings settings, LoadStamp stamp) {
    LoadSchema schema =
        new LoadSchema(
            List.of(new VectorFieldInfo("", 2, Metric.L2, 0, "", Map.of())),
            Set.of(IdKind.STRING),
            "test",
            10);
    try (VectorStore store = provider.open(settings)) {
      store.create(schema, stamp);
      store.finishLoad(List.of(), stamp);
    }
  }

  private static void assertRefused(ThrowingCallable step) {
    assertThatThrownBy(step)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(FailureClass.PERMISSION))
        .hasMessageContaining("the right");
  }

  @Test
  void whoMayNotRenameLeavesTheNameToReaders() throws IOException {
    StoreSettings guest = as(user + ":" + PASSWORD);
    StoreSettings beside = provider.loadBesideSettings(guest, STAMP.migration());
    make(as("root:Milvus"), EARLIER);
    try (VectorStore target = provider.open(guest);
        VectorStore load = provider.open(beside)) {
      NameSwitch planned = target.planSwitch(load, STAMP);
      make(beside, STAMP);

      assertRefused(() -> target.switchTo(planned, STAMP));

      assertThat(target.stamp()).contains(EARLIER);
      assertThat(load.stamp()).contains(STAMP);
      target.switchBack(planned, STAMP);
      assertRefused(() -> load.drop(STAMP));
      assertThat(target.stamp()).contains(EARLIER);
      assertThat(load.stamp()).contains(STAMP);
    }
  }
}
