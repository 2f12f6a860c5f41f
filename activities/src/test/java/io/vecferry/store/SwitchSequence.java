package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.StoreContractTest.Sample;
import io.vecferry.store.StoreContractTest.Taken;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a migration does to a name in random order, with interruptions and with what other people do
 * to it in between, against a small model: after each, readers get what the model says, an answer
 * is one that the model allows, and all that the migration did not make is where it was.
 */
final class SwitchSequence {
  private static final int LONGEST = 14;

  private static final LoadStamp FOREIGN = StoreContractTest.FOREIGN;
  private static final Map<String, List<Sample>> SAMPLES = new ConcurrentHashMap<>();

  private static final LoadStamp OLD = StoreContractTest.EARLIER;
  private static final LoadStamp LOADED = StoreContractTest.STAMP;

  /** What the name leads to. */
  private enum Leads {
    OLD,
    LOAD,
    THIRD,
    NOWHERE
  }

  /** What has the name of the load. */
  private enum Beside {
    NOTHING,
    OURS,
    FOREIGN
  }

  /** How a call ends. */
  private enum Answer {
    DONE,
    NOTHING_TO_DO,
    CHANGED,
    MISSING
  }

  private final StoreContractTest store;
  private final Taken taken;
  private final Random random;
  private final List<String> told = new ArrayList<>();
  private NameSwitch planned;

  private Leads name = Leads.OLD;
  private Beside beside = Beside.NOTHING;
  private boolean oldThere = true;
  private boolean thirdThere;
  private boolean keptTaken;
  private long oldRows;
  private boolean changed;
  private boolean changedSincePlan;

  /** A killed worker has left something; only a switch ends that. */
  private boolean interrupted;

  /** What was there before is there again, but is another one for the plan. */
  private boolean madeAgain;

  SwitchSequence(StoreContractTest store, Taken taken, long seed) {
    this.store = store;
    this.taken = taken;
    this.random = new Random(seed);
  }

  @Override
  public String toString() {
    return taken + " " + told;
  }

  /**
   * Runs it on a place where nothing is.
   *
   * @return how many things were done; 0 where the store refuses such a switch
   */
  int run() {
    String own = taken == Taken.ALIAS ? store.name() + "_old" : store.name();
    store.make(store.named(own), OLD, few("old"));
    if (taken == Taken.ALIAS) {
      store.alias(store.name(), own);
    }
    oldRows = rows(own);
    planned = store.plan();
    if (!planned.possible()) {
      return 0;
    }
    check();
    while (told.size() < LONGEST) {
      String done = act();
      if (!done.isEmpty()) {
        told.add(done);
        check();
      }
    }
    return told.size();
  }

  private static List<Sample> few(String label) {
    return SAMPLES.computeIfAbsent(
        label, unknown -> StoreContractTest.labelled(label).subList(0, 6));
  }

  /** Does one thing to both; empty when it makes no sense now. */
  private String act() {
    return switch (random.nextInt(16)) {
      case 0, 1, 2 -> ours("switchTo", this::switchTo);
      case 3, 4, 5 -> ours("switchBack", this::switchBack);
      case 6 -> ours("dropReplaced", this::dropReplaced);
      case 7, 8 -> load();
      case 9 -> name == Leads.LOAD && !renames() ? "" : ours("drop", this::dropLoad);
      case 10 -> planAnew();
      case 11 -> interrupt();
      case 12 -> addRecord();
      case 13 -> moveAlias();
      case 14 -> random.nextBoolean() ? takeNameOfLoad() : takeNameOfKept();
      default -> name == Leads.LOAD && oldThere && random.nextInt(3) == 0 ? removeOld() : "";
    };
  }

  /** Whether collections are renamed, so that a load that is switched to is not beside the name. */
  private boolean renames() {
    return taken == Taken.COLLECTION && !store.clones();
  }

  private boolean clones() {
    return taken == Taken.COLLECTION && store.clones();
  }

  /** A step of the migration, at times twice: the second time nothing may be different. */
  private String ours(String words, Runnable step) {
    boolean twice = random.nextInt(3) == 0;
    step.run();
    if (twice) {
      told.add(words);
      check();
      step.run();
    }
    return words;
  }

  private void switchTo() {
    Set<Answer> allowed;
    if (name == Leads.LOAD) {
      allowed = EnumSet.of(Answer.DONE);
    } else if (name == Leads.THIRD || clones() && (name == Leads.NOWHERE || madeAgain)) {
      allowed = EnumSet.of(Answer.CHANGED);
    } else if (name == Leads.OLD && (changedSincePlan || keptTaken)) {
      allowed =
          beside == Beside.NOTHING
              ? EnumSet.of(Answer.CHANGED, Answer.MISSING)
              : EnumSet.of(Answer.CHANGED);
    } else {
      allowed =
          EnumSet.of(
              switch (beside) {
                case OURS -> Answer.DONE;
                case FOREIGN -> Answer.CHANGED;
                case NOTHING -> Answer.MISSING;
              });
    }
    Answer answer =
        call(
            target -> {
              target.switchTo(planned, LOADED);
              return true;
            });
    assertAllowed("switchTo", answer, allowed);
    if (answer == Answer.DONE && name != Leads.LOAD) {
      name = Leads.LOAD;
      interrupted = false;
      beside = renames() ? Beside.NOTHING : beside;
    }
  }

  private void switchBack() {
    Set<Answer> allowed;
    if (name == Leads.THIRD || name == Leads.LOAD && !oldThere) {
      allowed = EnumSet.of(Answer.CHANGED);
    } else if (name == Leads.LOAD && renames() && beside == Beside.FOREIGN) {
      allowed = EnumSet.of(Answer.CHANGED);
    } else if (name == Leads.OLD && (changedSincePlan || madeAgain)) {
      // It is there, but may look like another one.
      allowed =
          changedSincePlan || keptTaken
              ? EnumSet.of(Answer.DONE, Answer.CHANGED)
              : EnumSet.of(Answer.DONE);
    } else {
      allowed = EnumSet.of(Answer.DONE);
    }
    Answer answer =
        call(
            target -> {
              target.switchBack(planned, LOADED);
              return true;
            });
    assertAllowed("switchBack", answer, allowed);
    if (answer == Answer.DONE) {
      if (name != Leads.OLD) {
        madeAgain = clones();
        beside = renames() && name == Leads.LOAD ? Beside.OURS : beside;
      }
      name = Leads.OLD;
      interrupted = false;
    }
  }

  private void dropReplaced() {
    Answer expected =
        name != Leads.LOAD ? Answer.CHANGED : oldThere ? Answer.DONE : Answer.NOTHING_TO_DO;
    assertAllowed(
        "dropReplaced", call(target -> target.dropReplaced(planned, LOADED)), EnumSet.of(expected));
    oldThere &= expected != Answer.DONE;
  }

  private void dropLoad() {
    Answer expected =
        switch (beside) {
          case OURS -> Answer.DONE;
          case FOREIGN -> Answer.CHANGED;
          case NOTHING -> Answer.NOTHING_TO_DO;
        };
    assertAllowed(
        "drop", call(store.besideSettings(), load -> load.drop(LOADED)), EnumSet.of(expected));
    beside = beside == Beside.OURS ? Beside.NOTHING : beside;
  }

  private String load() {
    if (name == Leads.LOAD || beside != Beside.NOTHING) {
      return "";
    }
    store.make(store.besideSettings(), LOADED, few("new"));
    beside = Beside.OURS;
    return "load";
  }

  private String planAnew() {
    if (name == Leads.THIRD || interrupted && name == Leads.OLD) {
      return "";
    }
    if (name != Leads.OLD || keptTaken) {
      assertAllowed(
          "plan",
          call(
              target -> {
                store.plan();
                return true;
              }),
          EnumSet.of(Answer.CHANGED));
      return "plan refused";
    }
    planned = store.plan();
    changedSincePlan = false;
    madeAgain = false;
    return "plan";
  }

  /** A worker is killed in the middle. */
  private String interrupt() {
    Map<String, Runnable> all =
        name == Leads.OLD && !interrupted && !keptTaken
            ? store.interruptions(planned)
            : name == Leads.LOAD && oldThere ? store.interruptionsOfTheWayBack(planned) : Map.of();
    // It begins only when it is allowed.
    if (all.isEmpty() || name == Leads.OLD && (changedSincePlan || madeAgain)) {
      return "";
    }
    List<String> words = all.keySet().stream().sorted().toList();
    String chosen = words.get(random.nextInt(words.size()));
    all.get(chosen).run();
    interrupted = true;
    if (!exists(store.name())) {
      name = Leads.NOWHERE;
    }
    return "interrupted, " + chosen;
  }

  private String addRecord() {
    if (name != Leads.OLD || changed || interrupted) {
      return "";
    }
    store.changeOld(planned);
    oldRows = rows(store.name());
    changed = true;
    changedSincePlan = true;
    return "record added";
  }

  private String moveAlias() {
    if (taken != Taken.ALIAS) {
      return "";
    }
    String third = store.name() + "_third";
    if (!thirdThere) {
      store.make(store.named(third), new LoadStamp("earlier", "load-3"), few("third"));
      thirdThere = true;
    }
    if (name == Leads.THIRD) {
      if (!oldThere) {
        return "";
      }
      store.alias(store.name(), planned.before());
      name = Leads.OLD;
      return "alias moved back";
    }
    store.alias(store.name(), third);
    name = Leads.THIRD;
    return "alias moved";
  }

  /** Somebody else loads under the name of our load, or is through with that. */
  private String takeNameOfLoad() {
    if (beside == Beside.FOREIGN) {
      remove(store.besideSettings(), FOREIGN);
      beside = Beside.NOTHING;
      return "name of the load given back";
    }
    if (name == Leads.LOAD && !renames()) {
      return "";
    }
    if (beside == Beside.OURS) {
      remove(store.besideSettings(), LOADED);
    }
    store.make(store.besideSettings(), FOREIGN, few("foreign"));
    beside = Beside.FOREIGN;
    return "name of the load taken";
  }

  private String takeNameOfKept() {
    if (taken != Taken.COLLECTION || name != Leads.OLD || interrupted) {
      return "";
    }
    StoreSettings kept = store.named(planned.kept());
    if (keptTaken) {
      remove(kept, FOREIGN);
    } else {
      store.make(kept, FOREIGN, few("foreign"));
    }
    keptTaken = !keptTaken;
    return keptTaken ? "name of what is kept taken" : "name of what is kept given back";
  }

  private String removeOld() {
    remove(store.named(planned.kept()), OLD);
    oldThere = false;
    return "what was replaced removed by its owner";
  }

  private void remove(StoreSettings settings, LoadStamp stamp) {
    try (VectorStore there = store.provider().open(settings)) {
      assertThat(there.drop(stamp)).isTrue();
    }
  }

  /** Something that a migration asks of a store. */
  private interface Step {
    boolean run(VectorStore store);
  }

  private Answer call(Step step) {
    return call(store.settings(), step);
  }

  private Answer call(StoreSettings settings, Step step) {
    try (VectorStore target = store.provider().open(settings)) {
      return step.run(target) ? Answer.DONE : Answer.NOTHING_TO_DO;
    } catch (StoreException e) {
      assertThat(e.failureClass())
          .as("%s", e)
          .isIn(FailureClass.TARGET_CHANGED, FailureClass.MISSING);
      return e.failureClass() == FailureClass.MISSING ? Answer.MISSING : Answer.CHANGED;
    }
  }

  private void assertAllowed(String call, Answer answer, Set<Answer> allowed) {
    assertThat(answer).as("%s where %s", call, state()).isIn(allowed);
  }

  private String state() {
    return "the name leads to %s, %s has the name of the load, old there %b, changed since plan %b, kept taken %b"
        .formatted(name, beside, oldThere, changedSincePlan, keptTaken);
  }

  /** Readers get what the model says, and everything else is where the model says. */
  private void check() {
    String words = state();
    assertThat(exists(store.name())).as(words).isEqualTo(name != Leads.NOWHERE);
    if (name != Leads.NOWHERE) {
      assertHas(
          store.settings(),
          switch (name) {
            case OLD -> "old";
            case LOAD -> "new";
            case THIRD -> "third";
            case NOWHERE -> throw new IllegalStateException(words);
          });
    }
    boolean underItsName = taken == Taken.ALIAS || name == Leads.OLD;
    String old = underItsName ? planned.before() : planned.kept();
    assertThat(exists(old)).as("old, %s", words).isEqualTo(oldThere);
    if (oldThere && (underItsName || store.readsWhatIsKept())) {
      assertHas(store.named(old), "old");
      assertThat(rows(old)).as(words).isEqualTo(oldRows);
    }
    StoreSettings load = store.besideSettings();
    try (VectorStore there = store.provider().open(load)) {
      assertThat(there.exists()).as("load, %s", words).isEqualTo(beside != Beside.NOTHING);
    }
    if (beside != Beside.NOTHING) {
      assertHas(load, beside == Beside.OURS ? "new" : "foreign");
    }
    if (thirdThere) {
      assertHas(store.named(store.name() + "_third"), "third");
    }
    if (keptTaken) {
      assertHas(store.named(planned.kept()), "foreign");
    }
  }

  private void assertHas(StoreSettings settings, String label) {
    try (VectorStore there = store.provider().open(settings)) {
      RecordBatch read = there.fetch(StoreContractTest.batch(few(label)).ids());
      assertThat(read.rows()).as(state()).isEqualTo(6);
      assertThat(read.documents().get(0)).as(state()).startsWith(label + " ");
    }
  }

  private boolean exists(String collection) {
    try (VectorStore there = store.provider().open(store.named(collection))) {
      return there.exists();
    }
  }

  private long rows(String collection) {
    try (VectorStore there = store.provider().open(store.named(collection))) {
      return there.describe().rows();
    }
  }
}
