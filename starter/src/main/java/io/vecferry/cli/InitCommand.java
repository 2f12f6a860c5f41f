package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.phase.SpecCheck;
import io.vecferry.spec.SpecValues;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.Stores;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "init",
    mixinStandardHelpOptions = true,
    description = {
      "Writes a spec. At a terminal it asks for what the options do not say; connects to nothing.",
      "Never give a secret: say where the worker finds it, as env:NAME or file:/path."
    },
    footer = {
      "  vecferry init",
      "  vecferry init --source faiss --source-address ./index --target qdrant"
          + " --target-address http://localhost:6334 --target-collection products"
          + " --target-secret apiKey=env:QDRANT_API_KEY --name products --output products.yaml"
    })
final class InitCommand implements Callable<Integer> {
  private static final String COLLECTION = "collection";
  private static final String AUTH = "auth.";

  /** What holds when nothing is said. */
  private static final String REST =
      """

      # The rest may be left out. These are the values that hold then; all keys are in docs/spec.md.
      #export: {batchSize: auto, partRows: auto, parallelism: auto}
      #import: {batchSize: auto, maxRejects: 0}                 # records that the target may refuse
      #validation: {mode: full, strict: true}                   # or mode: sample
      #quality: {topK: 10, scoreTolerance: 0.01}                # and minRecall, 0 to 1
      #rollback: {onFailure: ask}                               # or automatic
      #approval: {beforeImport: false, beforeCutover: false}    # wait for: vecferry approve
      #cutover: {catchUp: false}                                # true: apply what was written meanwhile
      """;

  @Option(names = "--name", paramLabel = "NAME", description = "Name of the migration.")
  String name;

  @Option(names = "--source", paramLabel = "TYPE", description = "Store to read from.")
  String source;

  @Option(
      names = "--source-address",
      paramLabel = "PLACE",
      description = "URL of the server; of files the folder.")
  String sourceAddress;

  @Option(names = "--source-collection", paramLabel = "NAME", description = "Collection in it.")
  String sourceCollection;

  @Option(
      names = "--source-secret",
      paramLabel = "KEY=WHERE",
      description = "Where the worker finds a secret, as apiKey=env:NAME.")
  Map<String, String> sourceSecrets = new LinkedHashMap<>();

  @Option(names = "--target", paramLabel = "TYPE", description = "Store to load.")
  String target;

  @Option(
      names = "--target-address",
      paramLabel = "PLACE",
      description = "URL of the server; of files the folder.")
  String targetAddress;

  @Option(names = "--target-collection", paramLabel = "NAME", description = "Collection in it.")
  String targetCollection;

  @Option(
      names = "--target-secret",
      paramLabel = "KEY=WHERE",
      description = "Where the worker finds a secret, as apiKey=env:NAME.")
  Map<String, String> targetSecrets = new LinkedHashMap<>();

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "File to write; none is overwritten (default: the name with .yaml).")
  Path output;

  /** What the options do not say. */
  interface Answers {
    /**
     * The answer to a question, asked again until it is right.
     *
     * @param option the option that answers it too
     * @param wrong what is wrong with an answer; null for nothing
     */
    String ask(String option, String question, Function<String, String> wrong);
  }

  @Override
  public Integer call() {
    if (Boolean.getBoolean("vecferry.terminal.asks")) {
      return write(
          person(
              new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset())),
              System.err));
    }
    return write(
        (option, question, wrong) -> {
          throw new UserError(
              "init needs " + option + ": there is no terminal at which to ask. " + question + ".");
        });
  }

  /** Asks a person. */
  static Answers person(BufferedReader in, PrintStream out) {
    return (option, question, wrong) -> {
      while (true) {
        out.print(question + ": ");
        out.flush();
        String answer = readLine(in);
        if (answer == null) {
          throw new UserError("The answers ended before all was said. Nothing was written.");
        }
        String problem = wrong.apply(answer.strip());
        if (problem == null) {
          return answer.strip();
        }
        out.println("  " + problem);
      }
    };
  }

  private static String readLine(BufferedReader in) {
    try {
      return in.readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int write(Answers answers) {
    String sourceText =
        side("source", source, sourceAddress, sourceCollection, sourceSecrets, answers);
    String targetText =
        side("target", target, targetAddress, targetCollection, targetSecrets, answers);
    String called =
        name != null ? name : answers.ask("--name", "Name of the migration", InitCommand::needed);
    Path file = output == null ? Path.of(called + ".yaml") : output;
    String text =
        schemaLine(file)
            + "# Look at it with: vecferry plan "
            + file.getFileName()
            + "\nname: "
            + quoted(called)
            + "\n"
            + sourceText
            + targetText
            + "  # ifExists: fail       # replace or merge, when the target is there: docs/rollback.md\n"
            + REST;
    JsonNode document;
    try {
      document = new YAMLMapper().readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    SpecFile.require(SpecCheck.check(document), file);
    try {
      Files.writeString(file, text, StandardOpenOption.CREATE_NEW);
    } catch (FileAlreadyExistsException e) {
      throw new UserError(file + " is there already. Name another file with --output.");
    } catch (IOException e) {
      throw new UserError(file + " cannot be written: " + e.getMessage());
    }
    System.out.println("Wrote " + file + ". Next: vecferry plan " + file);
    return ExitCode.OK;
  }

  private static String schemaLine(Path file) {
    String home = System.getProperty("vecferry.home", "");
    Path schema = Path.of(home).resolve("docs/spec.schema.json");
    return home.isEmpty() || !Files.exists(schema)
        ? ""
        : "# yaml-language-server: $schema=" + schema.toUri() + "\n";
  }

  /** The section of one side. */
  private String side(
      String role,
      String givenType,
      String givenAddress,
      String givenCollection,
      Map<String, String> givenSecrets,
      Answers answers) {
    List<String> types =
        Stores.all().stream()
            .filter(one -> role.equals("source") || one.canBeTarget())
            .map(StoreProvider::type)
            .toList();
    String option = "--" + role;
    String type =
        answer(
                givenType,
                option,
                (role.equals("source") ? "Source" : "Target") + " store, of " + words(types),
                given -> wrongType(given, types),
                answers)
            .toLowerCase(Locale.ROOT);
    List<StoreOption> options = Stores.get(type).options();
    boolean server = options.stream().anyMatch(one -> one.path().equals("url") && one.required());
    String address =
        answer(
            givenAddress,
            option + "-address",
            server ? "  Its address, as http://localhost:PORT" : "  Its folder or file",
            given -> server ? wrongAddress(given) : needed(given),
            answers);
    StringBuilder text = new StringBuilder();
    text.append(role).append(":\n  type: ").append(type).append('\n');
    line(text, "  ", server ? "url" : "path", server ? address : path(address));
    if (options.stream().anyMatch(one -> one.path().equals(COLLECTION))) {
      line(
          text,
          "  ",
          COLLECTION,
          answer(
              givenCollection,
              option + "-collection",
              "  Its collection",
              InitCommand::needed,
              answers));
    }
    Map<String, String> secrets = secrets(option, options, givenSecrets, givenType, answers);
    if (!secrets.isEmpty()) {
      text.append("  auth:\n");
      secrets.forEach((key, reference) -> line(text, "    ", key, reference));
    }
    return text.toString();
  }

  private static Map<String, String> secrets(
      String option,
      List<StoreOption> options,
      Map<String, String> given,
      String givenType,
      Answers answers) {
    List<String> known =
        options.stream()
            .map(StoreOption::path)
            .filter(path -> path.startsWith(AUTH))
            .map(path -> path.substring(AUTH.length()))
            .toList();
    for (Map.Entry<String, String> secret : given.entrySet()) {
      if (!known.contains(secret.getKey())) {
        throw new UserError(
            option
                + "-secret: this store knows "
                + words(known)
                + ", not "
                + secret.getKey()
                + ".");
      }
      refuse(option + "-secret " + secret.getKey(), wrongReference(secret.getValue()));
    }
    // Whoever names the store in an option names the rest there too.
    if (!given.isEmpty() || known.isEmpty() || givenType != null) {
      return given;
    }
    String chosen =
        answers.ask(
            option + "-secret",
            "  What it wants to know you by, of " + words(known) + " (nothing: empty)",
            words -> wrongKeys(words, known));
    Map<String, String> secrets = new LinkedHashMap<>();
    for (String key : keys(chosen)) {
      secrets.put(
          key,
          answers.ask(
              option + "-secret",
              "  Where the worker finds the " + key + ", as env:NAME or file:/path",
              InitCommand::wrongReference));
    }
    return secrets;
  }

  private static String answer(
      String given,
      String option,
      String question,
      Function<String, String> wrong,
      Answers answers) {
    if (given == null) {
      return answers.ask(option, question, wrong);
    }
    refuse(option, wrong.apply(given));
    return given;
  }

  private static void refuse(String option, String problem) {
    if (problem != null) {
      throw new UserError(option + ": " + problem);
    }
  }

  private static String needed(String given) {
    return given.isEmpty() ? "This is needed." : null;
  }

  private static String wrongType(String given, List<String> types) {
    return types.contains(given.toLowerCase(Locale.ROOT))
        ? null
        : "Must be one of " + words(types) + "." + Suggestion.didYouMean(given, types);
  }

  private static String wrongAddress(String given) {
    return SpecValues.isAddress(given)
        ? null
        : "Must be an address such as http://localhost:8000, without user, password and query.";
  }

  private static String wrongReference(String given) {
    return Secrets.isReference(given)
        ? null
        : "Must say where the worker finds the secret, as "
            + Secrets.forms()
            + ". Never give the secret itself; what was given is not kept.";
  }

  private static String wrongKeys(String given, List<String> known) {
    return known.containsAll(keys(given)) ? null : "Must be of " + words(known) + ", or empty.";
  }

  private static List<String> keys(String words) {
    List<String> keys = new ArrayList<>(List.of(words.strip().split("[ ,]+")));
    keys.remove("");
    return keys;
  }

  private static String words(List<String> words) {
    return String.join(", ", words);
  }

  /** A relative path in a spec counts from the folder of the spec. */
  private String path(String given) {
    if (ArchiveRoot.isS3(given)) {
      return given;
    }
    Path path = Path.of(given);
    Path folder = output == null ? null : output.getParent();
    return path.isAbsolute() || folder == null
        ? given
        : folder
            .toAbsolutePath()
            .normalize()
            .relativize(path.toAbsolutePath().normalize())
            .toString();
  }

  private static void line(StringBuilder text, String indent, String key, String value) {
    text.append(indent).append(key).append(": ").append(quoted(value)).append('\n');
  }

  /** What is a text in JSON is one in YAML. */
  private static String quoted(String text) {
    return JsonNodeFactory.instance.textNode(text).toString();
  }
}
