package io.vecferry.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.RecordProfile;
import io.vecferry.spec.Suggestion;
import io.vecferry.workflow.MigrationStatus;
import java.util.Set;

/**
 * The arrows between packages, and what workflow code must leave alone so that its replay is the
 * same as its first run. Lives in the last module because that one sees all others.
 */
@AnalyzeClasses(packages = "io.vecferry", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
  private static final String[] CONTRACTS = {
    "io.vecferry.spec..", "io.vecferry.plan..", "io.vecferry.activity..", "io.vecferry.workflow.."
  };

  /** Everything that does I/O, or starts it. */
  private static final String[] BEYOND_CONTRACTS = {
    "io.vecferry.record..",
    "io.vecferry.store..",
    "io.vecferry.archive..",
    "io.vecferry.verify..",
    "io.vecferry.quality..",
    "io.vecferry.report..",
    "io.vecferry.notification..",
    "io.vecferry.phase..",
    "io.vecferry.search..",
    "io.vecferry.worker..",
    "io.vecferry.client..",
    "io.vecferry.cli.."
  };

  /** Packages of their own below the ports, as {@code io.vecferry.store.faiss}. */
  private static final String STORE = "io.vecferry.store.(*)..";

  @ArchTest
  static final ArchRule contractsKnowNothingOfWhatRunsThem =
      noClasses()
          .that()
          .resideInAnyPackage(CONTRACTS)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(BEYOND_CONTRACTS);

  @ArchTest
  static final ArchRule specAndPlanKnowNothingOfTemporal =
      noClasses()
          .that()
          .resideInAnyPackage("io.vecferry.spec..", "io.vecferry.plan..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.temporal..");

  @ArchTest
  static final ArchRule onlyPhasesTranslateToTemporal =
      noClasses()
          .that()
          .resideInAnyPackage(
              "io.vecferry.record..",
              "io.vecferry.store..",
              "io.vecferry.archive..",
              "io.vecferry.verify..",
              "io.vecferry.quality..",
              "io.vecferry.report..",
              "io.vecferry.notification..",
              "io.vecferry.search..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.temporal..");

  @ArchTest
  static final ArchRule onlyTheWorkerKnowsOfTraces =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.vecferry.worker..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.opentelemetry..");

  @ArchTest
  static final ArchRule activitiesKnowNothingOfWorkerAndCommandLine =
      noClasses()
          .that()
          .resideInAnyPackage(
              "io.vecferry.record..",
              "io.vecferry.store..",
              "io.vecferry.archive..",
              "io.vecferry.verify..",
              "io.vecferry.quality..",
              "io.vecferry.report..",
              "io.vecferry.notification..",
              "io.vecferry.search..",
              "io.vecferry.phase..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.vecferry.worker..", "io.vecferry.client..", "io.vecferry.cli..");

  @ArchTest
  static final ArchRule clientIsUsableWithoutTheWorker =
      noClasses()
          .that()
          .resideInAPackage("io.vecferry.client..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.vecferry.record..",
              "io.vecferry.store..",
              "io.vecferry.archive..",
              "io.vecferry.verify..",
              "io.vecferry.quality..",
              "io.vecferry.report..",
              "io.vecferry.notification..",
              "io.vecferry.search..",
              "io.vecferry.phase..",
              "io.vecferry.worker..",
              "io.vecferry.cli..");

  @ArchTest
  static final ArchRule portsKnowNoStore =
      noClasses()
          .that()
          .resideInAPackage("io.vecferry.store")
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.vecferry.store..")
                  .and(not(resideInAPackage("io.vecferry.store"))));

  @ArchTest
  static final ArchRule archiveKnowsNoStore =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.vecferry.store..")
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.vecferry.store..")
                  .and(not(resideInAPackage("io.vecferry.store"))))
          .because("stores are found by ServiceLoader");

  @ArchTest
  static final ArchRule storesDependOnRecordsAndPortsOnly =
      noClasses()
          .that(resideInAPackage(STORE.replace("(*)", "*")))
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.vecferry..")
                  .and(
                      not(
                          resideInAnyPackage(
                              "io.vecferry.record", "io.vecferry.search", "io.vecferry.store..")))
                  .and(
                      not(
                          JavaClass.Predicates.belongToAnyOf(
                              Finding.class,
                              FailureClass.class,
                              NameSwitch.class,
                              NameSwitch.Gap.class,
                              RecordProfile.class,
                              FieldMapping.class,
                              RecordProfile.Key.class,
                              Suggestion.class))));

  @ArchTest
  static final ArchRule storesDoNotKnowEachOther =
      slices().matching(STORE).should().notDependOnEachOther();

  /**
   * Contracts of workflows and of activities name each other: a report is written from the status
   * that the workflow shows, and the status shows the undo steps that activities do. They count as
   * one slice; that activities know nothing else of workflows has a rule of its own.
   */
  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices()
          .assignedFrom(
              new SliceAssignment() {
                @Override
                public SliceIdentifier getIdentifierOf(JavaClass type) {
                  String name = type.getPackageName();
                  return SliceIdentifier.of(
                      name.equals("io.vecferry.activity") ? "io.vecferry.workflow" : name);
                }

                @Override
                public String getDescription() {
                  return "packages";
                }
              })
          .should()
          .beFreeOfCycles();

  @ArchTest
  static final ArchRule activityContractsKnowOnlyTheStatusOfWorkflows =
      noClasses()
          .that()
          .resideInAPackage("io.vecferry.activity")
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.vecferry.workflow")
                  .and(not(JavaClass.Predicates.belongToAnyOf(MigrationStatus.class))));

  @ArchTest
  static final ArchRule workflowCodeIsDeterministic =
      classes().that().resideInAPackage("io.vecferry.workflow").should(useOnlyDeterministicCalls());

  @ArchTest
  static final ArchRule workflowCodeKnowsNoThreadsNoFilesAndNoLocks =
      noClasses()
          .that()
          .resideInAPackage("io.vecferry.workflow")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(
                      "java.io..",
                      "java.nio..",
                      "java.net..",
                      "java.sql..",
                      "java.util.concurrent..",
                      "java.security..")
                  .and(not(DescribedPredicate.describe("a type", ArchitectureTest::isHarmless))));

  @ArchTest
  static final ArchRule workflowFieldsAreNotSharedBetweenWorkflows =
      fields()
          .that()
          .areDeclaredInClassesThat()
          .resideInAPackage("io.vecferry.workflow")
          .and()
          .areStatic()
          .should()
          .beFinal();

  @ArchTest
  static final ArchRule workflowMethodsTakeNoLocks =
      noMethods()
          .that()
          .areDeclaredInClassesThat()
          .resideInAPackage("io.vecferry.workflow")
          .should()
          .haveModifier(JavaModifier.SYNCHRONIZED);

  @ArchTest
  static final ArchRule workflowStateIteratesInAFixedOrder =
      fields()
          .that()
          .areDeclaredInClassesThat()
          .resideInAPackage("io.vecferry.workflow")
          .should()
          .notHaveRawType("java.util.HashMap")
          .andShould()
          .notHaveRawType("java.util.HashSet");

  private ArchitectureTest() {}

  /** Serialization of lambdas and enums, and exceptions, name these; nothing is read by them. */
  private static boolean isHarmless(JavaClass type) {
    return type.isEquivalentTo(java.io.Serializable.class)
        || type.isEquivalentTo(java.util.concurrent.TimeUnit.class);
  }

  private static ArchCondition<JavaClass> useOnlyDeterministicCalls() {
    return new ArchCondition<>("use no clock, randomness, thread or unordered collection") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        for (JavaAccess<?> access : type.getAccessesFromSelf()) {
          if (isUndetermined(access.getTarget())) {
            events.add(SimpleConditionEvent.violated(access, access.getDescription()));
          }
        }
      }
    };
  }

  private static boolean isUndetermined(AccessTarget target) {
    String owner = target.getOwner().getName();
    String name = target.getName();
    if (owner.startsWith("java.time.")) {
      return name.equals("now") || owner.equals("java.time.Clock");
    }
    if (name.equals("parallelStream") || name.equals("parallel")) {
      return owner.startsWith("java.util.");
    }
    if (name.equals("<init>")) {
      return Set.of(
              "java.util.HashMap",
              "java.util.HashSet",
              "java.util.IdentityHashMap",
              "java.util.WeakHashMap",
              "java.util.Date",
              "java.util.Timer",
              "java.util.Random",
              "java.util.SplittableRandom",
              "java.lang.Thread")
          .contains(owner);
    }
    return switch (owner) {
      case "java.lang.System" ->
          Set.of("currentTimeMillis", "nanoTime", "getenv", "getProperty", "identityHashCode")
              .contains(name);
      case "java.util.UUID" -> name.equals("randomUUID");
      case "java.lang.Math", "java.lang.StrictMath" -> name.equals("random");
      case "java.util.Collections" -> name.equals("shuffle");
      case "java.lang.Thread", "java.lang.Runtime", "java.lang.ProcessHandle" -> true;
      default -> owner.startsWith("java.util.random.") || owner.startsWith("java.util.Random");
    };
  }
}
