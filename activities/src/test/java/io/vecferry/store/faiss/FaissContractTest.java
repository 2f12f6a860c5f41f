package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.IdColumn;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract, with vecferry's own layout. */
class FaissContractTest extends StoreContractTest {
  @TempDir Path folder;

  @Override
  protected StoreProvider provider() {
    return Stores.get("faiss");
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of(
        "target", "path", folder.resolve("products").toString(), "options.layout", layout());
  }

  protected String layout() {
    return "vecferry";
  }

  @Test
  void isRegistered() {
    assertThat(Stores.get("faiss")).isInstanceOf(FaissProvider.class);
  }

  @AfterEach
  void leavesNoTemporaryFiles() throws Exception {
    try (var files = java.nio.file.Files.walk(folder)) {
      assertThat(files.filter(file -> file.toString().endsWith(".tmp"))).isEmpty();
    }
  }

  @Override
  protected void clear() {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        if (!file.equals(folder)) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Files are fast. */
  @Override
  protected int sequences() {
    return Integer.getInteger(
        "vecferry.switch.sequences", getClass() == FaissContractTest.class ? 150 : 1);
  }

  @Override
  protected String nameKey() {
    return "path";
  }

  @Override
  protected void alias(String alias, String collection) {
    Path link = Path.of(alias);
    try {
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, Path.of(collection).getFileName());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is in the folder around it, and where a link leads. */
  @Override
  protected Object setup(String collection, CollectionInfo info) {
    Path path = Path.of(collection);
    try {
      return List.of(
          info,
          Files.isSymbolicLink(path)
              ? Files.readSymbolicLink(path)
              : Files.readAttributes(path, BasicFileAttributes.class).fileKey());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Files are not written to: there are others. */
  @Override
  protected void changeOld(NameSwitch planned) {
    try (VectorStore old = provider().open(named(planned.before()))) {
      assertThat(old.drop(EARLIER)).isTrue();
    }
    List<Sample> more = new ArrayList<>(labelled("old"));
    more.add(late());
    make(named(planned.before()), EARLIER, more);
  }

  @Override
  protected Map<String, Runnable> interruptions(NameSwitch planned) {
    return planned.kept().equals(planned.before())
        ? Map.of()
        : Map.of(
            "renamed once",
            () -> {
              try {
                Files.move(Path.of(planned.name()), Path.of(planned.kept()));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
  }

  @Test
  void anEmptyFolderComesBackEmpty() throws IOException {
    Files.createDirectory(Path.of(name()));
    try (VectorStore target = provider().open(settings());
        VectorStore load = provider().open(provider().loadSettings(settings(), "products"))) {
      NameSwitch planned = target.planSwitch(load, STAMP);
      load.create(schema(0), STAMP);
      load.finishLoad(List.of(), STAMP);
      target.switchTo(planned, STAMP);
      assertThat(target.stamp()).contains(STAMP);
      target.switchBack(planned, STAMP);
      assertThat(Path.of(name())).isEmptyDirectory();
      assertThat(load.drop(STAMP)).isTrue();
    }
  }

  @Test
  void onlyTheFilesOfAnIndexAreDroppedWithIt() throws IOException {
    make(settings(), EARLIER, labelled("old"));
    Files.writeString(Path.of(name()).resolve("thesis.txt"), "text");
    try (VectorStore target = provider().open(settings());
        VectorStore load = provider().open(provider().loadSettings(settings(), "products"))) {
      NameSwitch planned = target.planSwitch(load, STAMP);
      load.create(schema(0), STAMP);
      load.finishLoad(List.of(), STAMP);
      target.switchTo(planned, STAMP);
      assertThatThrownBy(() -> target.dropReplaced(planned, STAMP))
          .hasMessageContaining("nothing was deleted: thesis.txt");
      assertThat(Path.of(planned.kept()).resolve("index.faiss")).exists();
    }
  }

  @Test
  void aFileIsNotReplacedByAFolder() throws IOException {
    Files.writeString(Path.of(name()), "text");
    try (VectorStore target = provider().open(settings());
        VectorStore load = provider().open(provider().loadSettings(settings(), "products"))) {
      NameSwitch planned = target.planSwitch(load, STAMP);
      assertThat(planned.possible()).isFalse();
      assertThat(planned.words()).contains("is a file").contains("Give the path of a folder");
      assertThatThrownBy(() -> target.switchTo(planned, STAMP)).hasMessage(planned.words());
    }
  }

  @Test
  void whoOpenedALinkGoesOnWithTheFolderThatItLedTo() throws IOException {
    make(named(name() + "_old"), EARLIER, labelled("old"));
    make(named(name() + "_new"), EARLIER, labelled("new"));
    Path link = Files.createSymbolicLink(Path.of(name()), Path.of(name() + "_old"));
    try (VectorStore open = provider().open(settings())) {
      assertThat(open.describe().rows()).isEqualTo(60);
      Files.delete(link);
      Files.createSymbolicLink(link, Path.of(name() + "_new"));
      assertThat(open.fetch(IdColumn.ofStrings("row-7")).documents().get(0)).isEqualTo("old 7");
    }
    try (VectorStore open = provider().open(settings())) {
      assertThat(open.fetch(IdColumn.ofStrings("row-7")).documents().get(0)).isEqualTo("new 7");
    }
  }

  /** Files of the old folder and of the new one, opened in that moment, do not fit. */
  @Override
  protected List<FailureClass> failuresInTheGap() {
    return List.of(FailureClass.MISSING, FailureClass.INCOMPATIBLE, FailureClass.SOURCE_CHANGED);
  }
}
