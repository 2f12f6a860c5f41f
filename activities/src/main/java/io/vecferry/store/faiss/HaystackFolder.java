package io.vecferry.store.faiss;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Recognises the FAISSDocumentStore of Haystack 1: an index, the parameters of the store as JSON
 * beside it, and documents in a database that is not read here.
 */
final class HaystackFolder {
  /** Where the documents are when the parameters do not say. */
  private static final String DEFAULT_DATABASE = "faiss_document_store.db";

  private static final List<String> PARAMETERS =
      List.of("sql_url", "faiss_index_factory_str", "embedding_dim", "vector_dim");

  private static final long LARGEST_PARAMETERS = 1 << 20;

  /** Gives one line for each vector; what {@code json_patch} has last wins. */
  private static final String QUERY =
      "select json_patch(ifnull((select json_group_object(name, json(value)) from meta_document"
          + " where document_id = d.id and document_index = d.\\\"index\\\"), '{}'),"
          + " json_object('vector_id', cast(vector_id as integer), 'id', id, 'content',"
          + " json_extract(content, '$'))) from document d where d.\\\"index\\\" = '%s' and vector_id"
          + " is not null";

  private HaystackFolder() {}

  /** What to do about the documents; null when the index is none of Haystack's. */
  static Finding finding(Path index) {
    String name = index.getFileName().toString();
    int dot = name.lastIndexOf('.');
    Path parameters = index.resolveSibling((dot > 0 ? name.substring(0, dot) : name) + ".json");
    JsonNode values = read(parameters);
    if (values == null) {
      return null;
    }
    boolean database = Files.isRegularFile(index.resolveSibling(DEFAULT_DATABASE));
    if (!database && PARAMETERS.stream().noneMatch(values::has)) {
      return null;
    }
    String url = values.path("sql_url").asText("sqlite:///" + DEFAULT_DATABASE);
    String place = url.startsWith("sqlite:///") ? url.substring("sqlite:///".length()) : "DATABASE";
    return Finding.blocking(
        parameters.toString(),
        "this is a FAISSDocumentStore of Haystack: ids, documents and metadata are in "
            + (place.equals("DATABASE") ? "its SQL database" : place)
            + ", which vecferry does not read; the index alone has only vectors and their numbers",
        "Write the documents to a file beside the index: sqlite3 "
            + place
            + " \""
            + QUERY.formatted(values.path("index").asText("document").replace("'", "''"))
            + "\" > documents.jsonl. Then set source.options to metadata: documents.jsonl,"
            + " metadataKey: vector_id, metadataId: id, metadataDocument: content. To migrate only"
            + " vectors, move "
            + parameters.getFileName()
            + " away.");
  }

  private static JsonNode read(Path file) {
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > LARGEST_PARAMETERS) {
        return null;
      }
      JsonNode values = new ObjectMapper().readTree(file.toFile());
      return values.isObject() ? values : null;
    } catch (JacksonException e) {
      // Some other file that happens to have this name.
      return null;
    } catch (IOException e) {
      throw FileErrors.of("reading", file, e);
    }
  }
}
