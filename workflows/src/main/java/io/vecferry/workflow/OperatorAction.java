package io.vecferry.workflow;

/**
 * Something that a person did to a running migration.
 *
 * @param atMillis when, in milliseconds since 1970
 * @param verb what
 * @param who who said to be doing it
 * @param reason why
 */
public record OperatorAction(long atMillis, String verb, String who, String reason) {}
