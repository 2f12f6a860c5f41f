package io.vecferry.archive;

import java.util.List;

/** A store whose process is killed after some changes: whatever it has begun stays as it is. */
final class KilledStore implements ArtifactStore {
  private final ArtifactStore store;
  private int left;

  /** Nothing is done behind it. */
  static final class Kill extends Error {
    private static final long serialVersionUID = 1;
  }

  /**
   * @param changes how many are done
   */
  KilledStore(ArtifactStore store, int changes) {
    this.store = store;
    this.left = changes;
  }

  private void change() {
    if (left-- <= 0) {
      throw new Kill();
    }
  }

  @Override
  public ReadableArtifact open(String path) {
    return store.open(path);
  }

  @Override
  public WritableArtifact create(String path) {
    change();
    WritableArtifact artifact = store.create(path);
    return new WritableArtifact() {
      @Override
      public void write(byte[] bytes, int offset, int length) {
        artifact.write(bytes, offset, length);
      }

      @Override
      public void publish() {
        change();
        artifact.publish();
      }

      @Override
      public void close() {
        if (left >= 0) {
          artifact.close();
        }
      }
    };
  }

  @Override
  public boolean writeNew(String path, byte[] bytes) {
    change();
    return store.writeNew(path, bytes);
  }

  @Override
  public boolean exists(String path) {
    return store.exists(path);
  }

  @Override
  public List<String> list(String folder) {
    return store.list(folder);
  }

  @Override
  public void move(String from, String to) {
    change();
    store.move(from, to);
  }

  @Override
  public void delete(String path) {
    change();
    store.delete(path);
  }

  @Override
  public void discardUnpublished(String folder) {
    change();
    store.discardUnpublished(folder);
  }

  @Override
  public String describe(String path) {
    return store.describe(path);
  }
}
