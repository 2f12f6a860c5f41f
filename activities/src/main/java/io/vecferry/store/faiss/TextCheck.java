package io.vecferry.store.faiss;

/** Finds text that UTF-8 cannot hold. */
final class TextCheck {
  private TextCheck() {}

  /** Position of the first half surrogate pair, -1 when there is none. */
  static int loneSurrogate(String text) {
    for (int i = 0; i < text.length(); i++) {
      char unit = text.charAt(i);
      if (Character.isSurrogate(unit)) {
        if (Character.isHighSurrogate(unit)
            && i + 1 < text.length()
            && Character.isLowSurrogate(text.charAt(i + 1))) {
          i++;
        } else {
          return i;
        }
      }
    }
    return -1;
  }
}
