package io.vecferry.store.faiss;

/** Random numbers that depend on a seed and a position only, on every machine and thread alike. */
final class Mix {
  private Mix() {}

  /** 64 random bits: the output function of SplitMix64 at a position of its sequence. */
  static long hash(long seed, long position) {
    long bits = seed + (position + 1) * 0x9e3779b97f4a7c15L;
    bits = (bits ^ bits >>> 30) * 0xbf58476d1ce4e5b9L;
    bits = (bits ^ bits >>> 27) * 0x94d049bb133111ebL;
    return bits ^ bits >>> 31;
  }

  /** A number from 0, inclusive, to 1, exclusive. */
  static double fraction(long seed, long position) {
    return (hash(seed, position) >>> 11) * 0x1p-53;
  }
}
