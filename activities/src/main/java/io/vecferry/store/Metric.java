package io.vecferry.store;

import java.util.Locale;

/**
 * How two vectors are compared, and what a score of it means after conversion to the one scale that
 * vecferry compares on.
 */
public enum Metric {
  /** Squared Euclidean distance, smaller is nearer. */
  L2(false),
  /** Inner product, larger is nearer. */
  IP(true),
  /** Cosine of the angle, larger is nearer. */
  COSINE(true),
  /** Sum of absolute differences. */
  L1(false),
  /** Largest absolute difference. */
  LINF(false),
  /** Sum of absolute differences to the power of the metric argument. */
  LP(false),
  CANBERRA(false),
  BRAY_CURTIS(false),
  JENSEN_SHANNON(false),
  /** Number of bits that differ. */
  HAMMING(false),
  /** Share of the set bits of both that are not common. */
  JACCARD(false);

  private final boolean largerIsNearer;

  Metric(boolean largerIsNearer) {
    this.largerIsNearer = largerIsNearer;
  }

  public boolean largerIsNearer() {
    return largerIsNearer;
  }

  /**
   * The spelling in specs, plans and reports: {@code l2}, {@code ip}, {@code cosine}, {@code
   * bray_curtis}.
   */
  public String spelling() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The metric of a {@link #spelling()}. */
  public static Metric ofSpelling(String spelling) {
    return valueOf(spelling.toUpperCase(Locale.ROOT));
  }
}
