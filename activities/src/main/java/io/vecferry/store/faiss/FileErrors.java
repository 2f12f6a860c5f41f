package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.Locale;

/** Says in one sentence what a failed file operation means for the person who has to act on it. */
final class FileErrors {
  private FileErrors() {}

  static StoreException of(String action, Path path, IOException error) {
    String text = String.valueOf(error.getMessage());
    String reason =
        error instanceof FileSystemException system && system.getReason() != null
            ? system.getReason()
            : text;
    String lower = reason.toLowerCase(Locale.ROOT);
    String where = action + " " + path + ": ";
    if (error instanceof NoSuchFileException) {
      return new StoreException(
          FailureClass.MISSING, where + "there is no such file or folder (" + text + ")", error);
    }
    if (error instanceof AccessDeniedException
        || lower.contains("read-only")
        || lower.contains("permission denied")
        || lower.contains("operation not permitted")) {
      return new StoreException(
          FailureClass.PERMISSION, where + "not allowed (" + reason + ")", error);
    }
    if (lower.contains("no space left") || lower.contains("quota") || lower.contains("too large")) {
      return new StoreException(
          FailureClass.RESOURCE_EXHAUSTED, where + "no space left (" + reason + ")", error);
    }
    if (lower.contains("too many open files")) {
      return new StoreException(FailureClass.RESOURCE_EXHAUSTED, where + reason, error);
    }
    if (error instanceof NotDirectoryException
        || lower.contains("not a directory")
        || lower.contains("is a directory")
        || lower.contains("name too long")) {
      return new StoreException(FailureClass.INCOMPATIBLE, where + reason, error);
    }
    return new StoreException(FailureClass.TRANSIENT, where + reason, error);
  }

  static StoreException readOnly(String action, Path path, ReadOnlyFileSystemException error) {
    return new StoreException(
        FailureClass.PERMISSION, action + " " + path + ": the file system is read-only", error);
  }

  static StoreException bad(String message) {
    return new StoreException(FailureClass.BAD_RECORD, message);
  }

  static StoreException incompatible(String message) {
    return new StoreException(FailureClass.INCOMPATIBLE, message);
  }
}
