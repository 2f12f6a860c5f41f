package io.vecferry.workflow;

/**
 * What a person says with an operator verb. All are texts, so that a wrong one is answered and not
 * dropped.
 *
 * @param who who is acting
 * @param reason why; required
 * @param part for {@code skip}, {@code retry} and {@code repair}: only this part, as {@code
 *     p003-000007}; null or empty for all
 * @param phase for {@code skip}, {@code retry} and {@code repair}: only steps of this phase, as
 *     {@code IMPORT}; null or empty for all
 * @param mode for {@code pause}: {@code drain} lets what runs finish, {@code interrupt} stops it
 *     and does it again after the pause; null or empty for drain
 */
public record VerbRequest(String who, String reason, String part, String phase, String mode) {

  public static VerbRequest of(String who, String reason) {
    return new VerbRequest(who, reason, null, null, null);
  }

  /** The same for one part. */
  public VerbRequest forPart(String only) {
    return new VerbRequest(who, reason, only, phase, mode);
  }

  /** The same for one phase. */
  public VerbRequest forPhase(String only) {
    return new VerbRequest(who, reason, part, only, mode);
  }

  /** The same for a pause that does not wait for what runs. */
  public VerbRequest interrupting() {
    return new VerbRequest(who, reason, part, phase, "interrupt");
  }
}
