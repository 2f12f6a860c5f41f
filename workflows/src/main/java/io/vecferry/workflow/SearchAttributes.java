package io.vecferry.workflow;

import io.temporal.common.SearchAttributeKey;
import java.util.List;

/**
 * Search attributes of a migration. They have to be registered with the Temporal service once;
 * without them all else works.
 */
public final class SearchAttributes {
  public static final SearchAttributeKey<String> PHASE =
      SearchAttributeKey.forKeyword("MigrationPhase");
  public static final SearchAttributeKey<String> SOURCE =
      SearchAttributeKey.forKeyword("MigrationSource");
  public static final SearchAttributeKey<String> TARGET =
      SearchAttributeKey.forKeyword("MigrationTarget");
  public static final SearchAttributeKey<Boolean> ATTENTION =
      SearchAttributeKey.forBoolean("MigrationNeedsAttention");

  /** Per cent, in tens: each change costs an event. */
  public static final SearchAttributeKey<Long> PROGRESS =
      SearchAttributeKey.forLong("MigrationProgress");

  public static final SearchAttributeKey<String> OUTCOME =
      SearchAttributeKey.forKeyword("MigrationOutcome");

  /** All of them. */
  public static final List<SearchAttributeKey<?>> ALL =
      List.of(PHASE, SOURCE, TARGET, ATTENTION, PROGRESS, OUTCOME);

  private SearchAttributes() {}
}
