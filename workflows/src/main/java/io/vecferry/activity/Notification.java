package io.vecferry.activity;

import io.vecferry.spec.NotificationTarget.Event;

/**
 * Something that people are told about a migration.
 *
 * @param id the same however often it is sent, and of no other notification
 * @param sequence number within the run of the workflow, from 1
 * @param event what has happened
 * @param reminder how often people were reminded of it, this time included; 0 at the first time
 * @param atMillis when, in milliseconds since 1970
 * @param migration name of the migration
 * @param workflowId where the Temporal UI shows it
 * @param phase phase that it is in
 * @param state state that it is in
 * @param outcome how it ended; empty before the end
 * @param title in a few words
 * @param text in sentences; may have several lines
 * @param report place of the report; empty before there is one
 */
public record Notification(
    String id,
    int sequence,
    Event event,
    int reminder,
    long atMillis,
    String migration,
    String workflowId,
    String phase,
    String state,
    String outcome,
    String title,
    String text,
    String report) {}
