package io.vecferry.store;

/**
 * The parameter that lets a search look at more records, which makes it more exact and slower.
 *
 * @param parameter its name in {@code index.params}
 * @param used its value when nothing else is said; what the store's default is known to be where
 *     the settings say nothing
 * @param largest largest value that the store takes
 */
public record SearchWidth(String parameter, long used, long largest) {}
