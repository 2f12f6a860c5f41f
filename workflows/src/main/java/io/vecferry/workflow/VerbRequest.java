package io.vecferry.workflow;

/**
 * What a person says with an operator verb.
 *
 * @param who who is acting
 * @param reason why; required
 * @param part for {@code skip} and {@code retry}: only this part, as {@code p003-000007}; null or
 *     empty for all
 */
public record VerbRequest(String who, String reason, String part) {

  public static VerbRequest of(String who, String reason) {
    return new VerbRequest(who, reason, null);
  }
}
