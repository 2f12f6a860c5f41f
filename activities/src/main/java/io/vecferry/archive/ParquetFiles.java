package io.vecferry.archive;

import com.github.luben.zstd.Zstd;
import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.archive.ArtifactStore.WritableArtifact;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.io.SeekableInputStream;
import org.xerial.snappy.Snappy;

/** Connects the Parquet library to an {@link ArtifactStore}, without Hadoop file systems. */
final class ParquetFiles {
  private static final int MAX_PAGE_BYTES = 1 << 30;

  private ParquetFiles() {}

  /** Counts and sums the bytes on their way into an object. */
  static final class ChecksumOutput extends PositionOutputStream {
    private final WritableArtifact artifact;
    private final CRC32C checksum = new CRC32C();
    private final byte[] buffer = new byte[1 << 16];
    private int buffered;
    private long position;

    ChecksumOutput(WritableArtifact artifact) {
      this.artifact = artifact;
    }

    @Override
    public long getPos() {
      return position;
    }

    @Override
    public void write(int value) {
      if (buffered == buffer.length) {
        drain();
      }
      buffer[buffered++] = (byte) value;
      position++;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      position += length;
      if (length <= buffer.length - buffered) {
        System.arraycopy(bytes, offset, buffer, buffered, length);
        buffered += length;
        return;
      }
      drain();
      checksum.update(bytes, offset, length);
      artifact.write(bytes, offset, length);
    }

    @Override
    public void flush() {
      drain();
    }

    // The artifact belongs to the caller, who publishes or discards it.
    @Override
    public void close() {
      drain();
    }

    String checksum() {
      return describe(checksum);
    }

    private void drain() {
      if (buffered > 0) {
        checksum.update(buffer, 0, buffered);
        artifact.write(buffer, 0, buffered);
        buffered = 0;
      }
    }
  }

  /** Sums up the bytes of an object while they are read from front to back. */
  static final class ChecksumInput implements ReadableArtifact {
    private static final int AT_ONCE = 1 << 18;

    private final ReadableArtifact artifact;
    private final CRC32C checksum = new CRC32C();

    /** Everything before it is in the sum. */
    private long summed;

    ChecksumInput(ReadableArtifact artifact) {
      this.artifact = artifact;
    }

    @Override
    public long size() {
      return artifact.size();
    }

    @Override
    public void readFully(long position, ByteBuffer target) {
      if (position > summed && position - summed < AT_ONCE) {
        sumTo(position);
      }
      ByteBuffer read = target.duplicate();
      artifact.readFully(position, target);
      long end = position + read.remaining();
      if (position <= summed && summed < end) {
        checksum.update(read.position(read.position() + (int) (summed - position)));
        summed = end;
      }
    }

    /** The sum of the whole object; what was left out is read now. */
    String checksum() {
      sumTo(size());
      return describe(checksum);
    }

    private void sumTo(long end) {
      ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(AT_ONCE, end - summed));
      while (summed < end) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), end - summed));
        artifact.readFully(summed, buffer);
        checksum.update(buffer.flip());
        summed += buffer.limit();
      }
    }

    @Override
    public void distrust() {
      artifact.distrust();
    }

    @Override
    public void close() {
      artifact.close();
    }
  }

  static String describe(CRC32C checksum) {
    return "crc32c:%08x".formatted(checksum.getValue());
  }

  static OutputFile outputFile(ChecksumOutput output, String path) {
    return new OutputFile() {
      @Override
      public PositionOutputStream create(long blockSizeHint) {
        return output;
      }

      @Override
      public PositionOutputStream createOrOverwrite(long blockSizeHint) {
        return output;
      }

      @Override
      public boolean supportsBlockSize() {
        return false;
      }

      @Override
      public long defaultBlockSize() {
        return 0;
      }

      @Override
      public String getPath() {
        return path;
      }
    };
  }

  static InputFile inputFile(ReadableArtifact artifact) {
    return new InputFile() {
      @Override
      public long getLength() {
        return artifact.size();
      }

      @Override
      public SeekableInputStream newStream() {
        return new ArtifactInput(artifact);
      }
    };
  }

  private static final class ArtifactInput extends SeekableInputStream {
    private final ReadableArtifact artifact;
    private long position;

    ArtifactInput(ReadableArtifact artifact) {
      this.artifact = artifact;
    }

    @Override
    public long getPos() {
      return position;
    }

    @Override
    public void seek(long newPosition) throws IOException {
      if (newPosition < 0) {
        throw new EOFException("position " + newPosition);
      }
      position = newPosition;
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      return read(ByteBuffer.wrap(bytes, offset, length));
    }

    @Override
    public int read(ByteBuffer target) {
      int length = (int) Math.min(target.remaining(), artifact.size() - position);
      if (length <= 0) {
        return target.hasRemaining() ? -1 : 0;
      }
      int limit = target.limit();
      target.limit(target.position() + length);
      artifact.readFully(position, target);
      target.limit(limit);
      position += length;
      return length;
    }

    @Override
    public void readFully(byte[] bytes) throws IOException {
      readFully(ByteBuffer.wrap(bytes));
    }

    @Override
    public void readFully(byte[] bytes, int offset, int length) throws IOException {
      readFully(ByteBuffer.wrap(bytes, offset, length));
    }

    @Override
    public void readFully(ByteBuffer target) throws IOException {
      if (target.remaining() > artifact.size() - position) {
        throw new EOFException(
            "%d bytes at %d of %d".formatted(target.remaining(), position, artifact.size()));
      }
      read(target);
    }
  }

  /** The codecs of archives and of files that pyarrow rewrote. */
  static final class Codecs implements CompressionCodecFactory {
    @Override
    public BytesInputCompressor getCompressor(CompressionCodecName codec) {
      throw new UnsupportedOperationException("pages are compressed before they are written");
    }

    @Override
    public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
      return switch (codec) {
        case UNCOMPRESSED, ZSTD, SNAPPY, GZIP -> new Decompressor(codec);
        default -> throw new UnsupportedOperationException("compression codec " + codec);
      };
    }

    @Override
    public void release() {}
  }

  private record Decompressor(CompressionCodecName codec)
      implements CompressionCodecFactory.BytesInputDecompressor {

    @Override
    public BytesInput decompress(BytesInput bytes, int size) throws IOException {
      return codec == CompressionCodecName.UNCOMPRESSED
          ? bytes
          : BytesInput.from(expand(bytes.toByteArray(), size));
    }

    @Override
    public void decompress(ByteBuffer input, int inputSize, ByteBuffer output, int outputSize)
        throws IOException {
      byte[] compressed = new byte[inputSize];
      input.get(compressed);
      output.put(
          codec == CompressionCodecName.UNCOMPRESSED ? compressed : expand(compressed, outputSize));
    }

    private byte[] expand(byte[] compressed, int size) throws IOException {
      // The size comes from a page header, which no checksum of the page covers.
      boolean known = codec == CompressionCodecName.ZSTD;
      long expected = known ? Zstd.getFrameContentSize(compressed) : size;
      if (size < 0 || size > MAX_PAGE_BYTES || (expected > 0 && expected != size)) {
        throw new IOException("a page of %d bytes is said to have %d".formatted(expected, size));
      }
      byte[] expanded = new byte[size];
      int actual =
          switch (codec) {
            case ZSTD -> (int) Zstd.decompress(expanded, compressed);
            case SNAPPY -> Snappy.uncompress(compressed, 0, compressed.length, expanded, 0);
            default -> {
              try (GZIPInputStream stream =
                  new GZIPInputStream(new ByteArrayInputStream(compressed))) {
                yield stream.readNBytes(expanded, 0, size);
              }
            }
          };
      if (actual != size) {
        throw new IOException("a page has %d bytes instead of %d".formatted(actual, size));
      }
      return expanded;
    }

    @Override
    public void release() {}
  }
}
