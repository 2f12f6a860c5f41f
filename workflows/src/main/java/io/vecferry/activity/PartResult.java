package io.vecferry.activity;

/**
 * What became of one part.
 *
 * @param rows records in the part
 * @param bytes size of the part in the archive
 * @param rejects records that the target refused
 * @param cursor for an export: the position behind the part
 * @param last for an export: whether the partition ends with this part
 * @param reused whether an earlier attempt or run had done the work
 */
public record PartResult(
    long rows, long bytes, long rejects, String cursor, boolean last, boolean reused) {}
