package io.vecferry.store.faiss;

import io.vecferry.record.ElementType;

/**
 * How near the vectors of an index are to those that were added to it.
 *
 * @param element type of the components
 * @param codec how vectors are kept, as {@code float32} or {@code SQ8, 8 bits per component}
 * @param loss what is lost and how much, in words; null where nothing is
 */
record Precision(ElementType element, String codec, String loss) {
  static final Precision EXACT = new Precision(ElementType.FLOAT32, "float32", null);

  boolean lossy() {
    return loss != null;
  }

  /** The same vectors after something was done to them that loses nothing more. */
  Precision asFloats(String how) {
    return new Precision(ElementType.FLOAT32, how + codec, loss);
  }

  /** The same vectors after something was done to them that loses more. */
  Precision asFloats(String how, String moreLoss) {
    return new Precision(
        ElementType.FLOAT32, how + codec, loss == null ? moreLoss : moreLoss + "; " + loss);
  }
}
