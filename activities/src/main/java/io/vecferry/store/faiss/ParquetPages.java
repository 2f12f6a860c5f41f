package io.vecferry.store.faiss;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.xerial.snappy.Snappy;

/** Expands the pages of somebody's Parquet file; the library's own way needs Hadoop. */
final class ParquetPages implements CompressionCodecFactory {
  private static final int LARGEST_PAGE = 1 << 30;

  @Override
  public BytesInputCompressor getCompressor(CompressionCodecName codec) {
    throw new UnsupportedOperationException("nothing is written");
  }

  @Override
  public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
    return switch (codec) {
      case UNCOMPRESSED, ZSTD, SNAPPY, GZIP -> new Page(codec);
      default ->
          throw new UnsupportedOperationException(
              "its compression " + codec + " is not supported; ZSTD, SNAPPY and GZIP are");
    };
  }

  @Override
  public void release() {}

  private record Page(CompressionCodecName codec) implements BytesInputDecompressor {

    @Override
    public BytesInput decompress(BytesInput bytes, int size) throws IOException {
      return BytesInput.from(expand(bytes.toByteArray(), size));
    }

    @Override
    public void decompress(ByteBuffer input, int inputSize, ByteBuffer output, int outputSize)
        throws IOException {
      byte[] packed = new byte[inputSize];
      input.get(packed);
      output.put(expand(packed, outputSize));
    }

    private byte[] expand(byte[] packed, int size) throws IOException {
      if (codec == CompressionCodecName.UNCOMPRESSED) {
        return packed;
      }
      long known =
          switch (codec) {
            case ZSTD -> Zstd.getFrameContentSize(packed);
            case SNAPPY -> Snappy.uncompressedLength(packed);
            default -> size;
          };
      // The header of a page says any size; nothing is allocated that the page does not fill.
      if (size < 0 || size > LARGEST_PAGE || known > 0 && known != size) {
        throw new IOException("a page of " + known + " bytes is said to have " + size);
      }
      if (codec == CompressionCodecName.GZIP) {
        try (GZIPInputStream stream = new GZIPInputStream(new ByteArrayInputStream(packed))) {
          return stream.readNBytes(size);
        }
      }
      byte[] page = new byte[size];
      if (codec == CompressionCodecName.ZSTD) {
        Zstd.decompress(page, packed);
      } else {
        Snappy.uncompress(packed, 0, packed.length, page, 0);
      }
      return page;
    }

    @Override
    public void release() {}
  }
}
