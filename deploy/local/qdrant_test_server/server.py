"""A gRPC server for tests that answers as Qdrant does, over Qdrant's own engine for devices. See README.md."""

import argparse
import contextlib
import hashlib
import importlib.util
import json
import math
import os
import shutil
import signal
import struct
import sys
import threading
import time
import types
import uuid
from concurrent import futures

import grpc
import qdrant_edge as edge

# The stubs alone: the package around them imports an HTTP client, pydantic and numpy.
_package = types.ModuleType("qdrant_client")
_package.__path__ = list(importlib.util.find_spec("qdrant_client").submodule_search_locations)
sys.modules["qdrant_client"] = _package

from qdrant_client.grpc import (  # noqa: E402
    collections_pb2,
    collections_service_pb2_grpc,
    points_pb2,
    points_service_pb2_grpc,
    qdrant_pb2,
    qdrant_pb2_grpc,
    snapshots_service_pb2,
    snapshots_service_pb2_grpc,
)

Code = grpc.StatusCode
Operation = edge.UpdateOperation
CONTROL = "_test_server"
FORBIDDEN = '<>:"/\\|?*\0\x1f'
GREEN, YELLOW, RED, GREY = 1, 2, 3, 4
DISTANCES = {1: edge.Distance.Cosine, 2: edge.Distance.Euclid, 3: edge.Distance.Dot, 4: edge.Distance.Manhattan}
STORAGE = edge.VectorStorageDatatype
DATATYPES = {1: STORAGE.Float32, 2: STORAGE.Uint8, 3: STORAGE.Float16}
PAYLOAD_TYPES = ["Keyword", "Integer", "Float", "Geo", "Text", "Bool", "Datetime", "Uuid"]
LARGEST_MULTI_VECTOR = 1 << 20


class Refusal(Exception):
    """What a caller is told: a status with its text, and seconds to wait where the server says them."""

    def __init__(self, code, text, retry_after=None):
        super().__init__(text)
        self.code, self.text, self.retry_after = code, text, retry_after


def wrong_input(text):
    return Refusal(Code.INVALID_ARGUMENT, "Wrong input: " + text)


def malformed(text):
    return Refusal(Code.INVALID_ARGUMENT, text)


def not_found(name):
    return Refusal(Code.NOT_FOUND, f"Not found: Collection `{name}` doesn't exist!")


def strict(problem, solution):
    return Refusal(Code.INVALID_ARGUMENT, f"Bad request: {problem}. Help: {solution}")


def require_limit(value, limit, name):
    if limit and value > limit:
        raise strict(f'Limit exceeded {value} > {limit} for "{name}"', f'Reduce the "{name}" parameter to or below {limit}.')


# Payload


def value_in(value):
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "struct_value":
        return {key: value_in(member) for key, member in value.struct_value.fields.items()}
    if kind == "list_value":
        return [value_in(element) for element in value.list_value.values]
    found = getattr(value, kind)
    if kind == "double_value" and not math.isfinite(found):
        raise malformed("cannot convert to json number")
    return found


def value_out(value, out):
    if value is None:
        out.null_value = 0
    elif isinstance(value, bool):
        out.bool_value = value
    elif isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            out.integer_value = value
        else:
            out.double_value = float(value)
    elif isinstance(value, float):
        out.double_value = value
    elif isinstance(value, str):
        out.string_value = value
    elif isinstance(value, list):
        out.list_value.SetInParent()
        for element in value:
            value_out(element, out.list_value.values.add())
    else:
        out.struct_value.SetInParent()
        for key, member in value.items():
            value_out(member, out.struct_value.fields[key])


# Ids


def id_in(point_id):
    kind = point_id.WhichOneof("point_id_options")
    if kind == "num":
        return point_id.num
    if kind == "uuid":
        try:
            return uuid.UUID(point_id.uuid)
        except ValueError:
            raise malformed(f"Unable to parse UUID: {point_id.uuid}") from None
    raise malformed("Empty ID is not allowed")


def id_out(point_id, out):
    if isinstance(point_id, int):
        out.num = point_id
    else:
        out.uuid = str(point_id)


# Vectors. The wire format with a oneof is known to servers from 1.12.2 and used in answers from 1.17.


def vector_in(vector, version):
    kind = vector.WhichOneof("vector") if version >= (1, 12, 2) else None
    if kind == "dense":
        return list(vector.dense.data)
    if kind == "sparse":
        return edge.SparseVector(list(vector.sparse.indices), list(vector.sparse.values))
    if kind == "multi_dense":
        return [list(row.data) for row in vector.multi_dense.vectors]
    if kind is not None:
        raise malformed("inference is not configured")
    if vector.HasField("indices"):
        if len(vector.indices.data) != len(vector.data):
            raise malformed("Sparse indices does not match sparse vector conditions")
        return edge.SparseVector(list(vector.indices.data), list(vector.data))
    data = list(vector.data)
    if vector.HasField("vectors_count"):
        width = len(data) // max(1, vector.vectors_count)
        return [data[start : start + width] for start in range(0, len(data), max(1, width))]
    return data


def vector_out(vector, out, version):
    if isinstance(vector, edge.SparseVector):
        if version >= (1, 17, 0):
            out.sparse.values.extend(vector.values)
            out.sparse.indices.extend(vector.indices)
        else:
            out.data.extend(vector.values)
            out.indices.data.extend(vector.indices)
    elif vector and isinstance(vector[0], list):
        if version >= (1, 17, 0):
            for row in vector:
                out.multi_dense.vectors.add().data.extend(row)
        else:
            for row in vector:
                out.data.extend(row)
            out.vectors_count = len(vector)
    elif version >= (1, 17, 0):
        out.dense.data.extend(vector)
    else:
        out.data.extend(vector)


class Limiter:
    """Operations per minute, as a bucket that starts full."""

    def __init__(self, kind, per_minute):
        self.kind, self.per_minute = kind, per_minute
        self.tokens, self.last = float(per_minute), time.monotonic()
        self.lock = threading.Lock()

    def take(self, cost):
        with self.lock:
            if cost > self.per_minute:
                raise Refusal(
                    Code.RESOURCE_EXHAUSTED,
                    f"Rate limiting exceeded: {self.kind} rate limit exceeded, request larger than rate limiter capacity,"
                    " please try to split your request",
                )
            now = time.monotonic()
            self.tokens = min(self.per_minute, self.tokens + (now - self.last) * self.per_minute / 60)
            self.last = now
            if self.tokens < cost:
                wait = math.ceil((cost - self.tokens) * 60 / self.per_minute)
                raise Refusal(
                    Code.RESOURCE_EXHAUSTED,
                    f"Rate limiting exceeded: {self.kind} rate limit exceeded: Operation requires {cost} tokens but only"
                    f" {self.tokens:.1f} were available. Retry after {wait}s",
                    wait,
                )
            self.tokens -= cost


HIDDEN = "no vectors"


class Collection:
    """One shard of the engine, with what the engine does not know. `configuration` is the request that created it."""

    def __init__(self, folder, configuration, version, load):
        self.folder, self.configuration, self.version = folder, configuration, version
        self.lock = threading.RLock()
        self.operations = 0
        self.snapshots = []
        self.faults = []
        self.dirty = False
        self.busy_until = 0.0
        self.deferred, self.deferred_until = 0, 0.0
        self.forced = None
        shard = os.path.join(folder, "shard")
        if load:
            self.shard = edge.EdgeShard.load(shard, self.edge_configuration())
            with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, "snapshots.json")) as file:
                self.snapshots = json.load(file)
            # A server that was started again leaves optimization until the next write.
            if self.points():
                self.forced = (GREY, "")
        else:
            os.makedirs(shard)
            self.shard = edge.EdgeShard.create(shard, self.edge_configuration())
        self.limit()
        self.save()

    def edge_configuration(self):
        dense = {
            name: edge.EdgeVectorParams(
                size=params.size,
                distance=DISTANCES[params.distance],
                datatype=DATATYPES.get(params.datatype),
                multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
                if params.HasField("multivector_config")
                else None,
            )
            for name, params in self.dense().items()
        }
        sparse = {
            name: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if params.modifier else None)
            for name, params in self.sparse().items()
        }
        if not dense and not sparse:
            # Qdrant has collections without vectors, the engine has none.
            sparse = {HIDDEN: edge.EdgeSparseVectorParams()}
        return edge.EdgeConfig(vectors=dense or None, sparse_vectors=sparse or None)

    def dense(self):
        config = self.configuration.vectors_config
        kind = config.WhichOneof("config")
        return {"": config.params} if kind == "params" else dict(config.params_map.map)

    def sparse(self):
        return dict(self.configuration.sparse_vectors_config.map)

    def named(self):
        return self.configuration.vectors_config.WhichOneof("config") != "params"

    def strict_mode(self):
        mode = self.configuration.strict_mode_config
        return mode if mode.enabled else collections_pb2.StrictModeConfig()

    def limit(self):
        mode = self.strict_mode()
        self.reads = Limiter("Read", mode.read_rate_limit) if mode.read_rate_limit else None
        self.writes = Limiter("Write", mode.write_rate_limit) if mode.write_rate_limit else None

    def save(self):
        write_file(os.path.join(self.folder, "configuration"), self.configuration.SerializeToString())

    def points(self):
        return self.shard.count(edge.CountRequest(exact=True))

    def begin_read(self, cost):
        if self.reads:
            self.reads.take(cost)

    def begin_write(self, cost):
        if self.writes:
            self.writes.take(cost)
        mode = self.strict_mode()
        if mode.max_points_count and self.points() > mode.max_points_count:
            raise strict(
                f"Max points count limit of {mode.max_points_count} reached!",
                "Delete some points or increase the limit.",
            )

    def written(self):
        """Called with the lock held, behind each update of the shard."""
        self.operations += 1
        if self.forced and self.forced[0] == GREY:
            self.forced = None
        if self.large():
            self.dirty = True
            if self.indexed():
                self.start_optimization()
        return points_pb2.PointsOperationResponse(
            result=points_pb2.UpdateResult(operation_id=self.operations, status=points_pb2.UpdateStatus.Completed)
        )

    def large(self):
        optimizers = self.configuration.optimizers_config
        threshold = optimizers.indexing_threshold if optimizers.HasField("indexing_threshold") else 10_000
        width = sum(params.size for params in self.dense().values())
        return threshold and self.shard.info().points_count * width * 4 > threshold * 1024

    def indexed(self):
        hnsw = self.configuration.hnsw_config
        return not hnsw.HasField("m") or hnsw.m > 0

    def start_optimization(self):
        # Nothing is built: the engine answers exactly. What clients see of an optimization is its time.
        self.busy_until = time.monotonic() + 0.5

    def status(self):
        if self.forced:
            return self.forced
        if time.monotonic() < self.busy_until:
            return YELLOW, ""
        if self.indexed():
            self.dirty = False
        return GREEN, ""

    def indexed_vectors(self):
        done = self.large() and self.indexed() and not self.dirty
        return self.points() * max(1, len(self.dense())) if done else 0

    def deferred_points(self):
        return self.deferred if time.monotonic() < self.deferred_until else 0

    def control(self, order):
        """What tests ask of the server itself, as a struct in the metadata of an update."""
        if "status" in order:
            colours = {"green": None, "yellow": YELLOW, "red": RED, "grey": GREY}
            colour = colours[order["status"]]
            self.forced = None
            if colour == YELLOW:
                self.busy_until = time.monotonic() + order.get("seconds", 1)
            elif colour:
                self.forced = (colour, order.get("error", ""))
        if "deferred" in order:
            self.deferred = int(order["deferred"])
            self.deferred_until = time.monotonic() + order.get("seconds", 1)
        if "fail" in order:
            fail = order["fail"]
            self.faults.append([fail["method"], Code[fail["code"]], fail["message"], int(fail.get("times", 1))])

    def fail(self, method):
        for fault in self.faults:
            if fault[0] == method and fault[3] > 0:
                fault[3] -= 1
                raise Refusal(fault[1], fault[2])

    def check_points(self, points):
        """Everything is checked before anything is written: one bad point refuses the whole request."""
        mode = self.strict_mode()
        require_limit(len(points), mode.upsert_max_batchsize, "upsert limit")
        if not points:
            raise wrong_input("Empty update request")
        dense, sparse, checked = self.dense(), self.sparse(), []
        for point in points:
            point_id = id_in(point.id)
            kind = point.vectors.WhichOneof("vectors_options")
            if kind == "vector":
                vectors = {"": vector_in(point.vectors.vector, self.version)}
            elif kind == "vectors":
                vectors = {name: vector_in(v, self.version) for name, v in point.vectors.vectors.vectors.items()}
            else:
                raise malformed("Expected some vectors")
            for name, vector in vectors.items():
                if name not in dense and name not in sparse:
                    raise wrong_input(f"Not existing vector name error: {name}")
                if (name in sparse) != isinstance(vector, edge.SparseVector):
                    raise wrong_input("Conversion between sparse and regular vectors failed")
                if name in sparse:
                    if len(set(vector.indices)) != len(vector.indices):
                        raise malformed("Validation error in points: [indices: must be unique]")
                    continue
                multi = dense[name].HasField("multivector_config")
                rows = vector if vector and isinstance(vector[0], list) else [vector]
                if not multi and rows is vector:
                    raise wrong_input("Conversion between multi and regular vectors failed")
                if multi and sum(map(len, rows)) >= LARGEST_MULTI_VECTOR:
                    raise malformed(f"Total size of all vectors must be less than {LARGEST_MULTI_VECTOR}")
                for row in rows:
                    if len(row) != dense[name].size:
                        raise wrong_input(
                            f"Vector dimension error: expected dim: {dense[name].size}, got {len(row)}"
                        )
            payload = {key: value_in(value) for key, value in point.payload.items()}
            checked.append((point_id, vectors, payload))
        return [edge.Point(*point) for point in checked]


def write_file(path, content):
    with open(path + ".new", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


class Server:
    """All collections and aliases, kept in a folder."""

    def __init__(self, folder, version, api_key):
        self.folder, self.version, self.api_key = folder, version, api_key
        self.number = tuple(int(part) for part in version.split("-")[0].split("."))
        self.lock = threading.RLock()
        self.collections = {}
        self.aliases = {}
        os.makedirs(self.path("collections"), exist_ok=True)
        with contextlib.suppress(FileNotFoundError), open(self.path("aliases.json")) as file:
            self.aliases = json.load(file)
        for name in os.listdir(self.path("collections")):
            folder = self.path("collections", name)
            try:
                with open(os.path.join(folder, "configuration"), "rb") as file:
                    request = collections_pb2.CreateCollection.FromString(file.read())
            except FileNotFoundError:
                shutil.rmtree(folder)
                continue
            self.collections[request.collection_name] = Collection(folder, request, self.number, load=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def find(self, name):
        with self.lock:
            collection = self.collections.get(self.aliases.get(name, name))
            if collection is None:
                raise not_found(name)
            return collection

    def save_aliases(self):
        write_file(self.path("aliases.json"), json.dumps(self.aliases).encode())

    def create(self, request):
        name = request.collection_name
        if not 1 <= len(name) <= 255:
            raise malformed("Validation error in body: [collection_name: value length must be between 1 and 255]")
        for character in FORBIDDEN:
            if character in name:
                raise malformed(f'Validation error in body: [collection name cannot contain "{character}" char]')
        vectors = request.vectors_config
        params = [vectors.params] if vectors.WhichOneof("config") == "params" else list(vectors.params_map.map.values())
        for param in params:
            if not 1 <= param.size <= 65536:
                raise malformed(
                    f"Validation error in body: [vectors_config.size: value {param.size} invalid, must be from 1 to 65536]"
                )
            if param.distance not in DISTANCES:
                raise malformed("Distance is not specified")
        for vector in list(vectors.params_map.map) + list(request.sparse_vectors_config.map):
            if len(vector.encode()) > 200 or any(character in vector for character in FORBIDDEN):
                raise wrong_input(f"Invalid dense vector name `{vector}`")
        if "" in request.sparse_vectors_config.map:
            raise wrong_input("Sparse vector name cannot be empty")
        for vector in request.sparse_vectors_config.map:
            if vector in vectors.params_map.map:
                raise wrong_input(f"Dense and sparse vector names must be unique - duplicate found with '{vector}'")
        if self.number < (1, 16, 0):
            request.ClearField("metadata")
        if self.number < (1, 11, 0):
            request.ClearField("strict_mode_config")
        with self.lock:
            if name in self.collections:
                raise Refusal(Code.ALREADY_EXISTS, f"Wrong input: Collection `{name}` already exists!")
            if name in self.aliases:
                raise wrong_input(f"Can't create collection with name {name}. Alias with the same name already exists")
            folder = self.path("collections", hashlib.sha1(f"{name}{time.time_ns()}".encode()).hexdigest())
            self.collections[name] = Collection(folder, request, self.number, load=False)

    def delete(self, name):
        with self.lock:
            self.aliases = {alias: target for alias, target in self.aliases.items() if target != name}
            self.save_aliases()
            collection = self.collections.pop(name, None)
        if collection:
            with collection.lock:
                # First the name, so that a server killed here does not bring back half a collection.
                os.remove(os.path.join(collection.folder, "configuration"))
                collection.shard.close()
                shutil.rmtree(collection.folder, ignore_errors=True)
        return collection is not None

    def change_aliases(self, actions):
        """As in the server, what comes before an action that fails stays done."""
        with self.lock:
            try:
                for action in actions:
                    kind = action.WhichOneof("action")
                    if kind == "create_alias":
                        create = action.create_alias
                        if create.collection_name not in self.collections:
                            raise not_found(create.collection_name)
                        if create.alias_name in self.collections:
                            raise Refusal(Code.ALREADY_EXISTS, f"Wrong input: Collection `{create.alias_name}` already exists!")
                        self.aliases[create.alias_name] = create.collection_name
                    elif kind == "delete_alias":
                        self.aliases.pop(action.delete_alias.alias_name, None)
                    else:
                        rename = action.rename_alias
                        if rename.old_alias_name not in self.aliases:
                            raise Refusal(Code.NOT_FOUND, f"Not found: Alias {rename.old_alias_name} does not exists!")
                        self.aliases[rename.new_alias_name] = self.aliases.pop(rename.old_alias_name)
            finally:
                self.save_aliases()


SERVER = None


def call(function):
    """Turns what a method raises into a status."""

    def method(self, request, context):
        try:
            return function(self, request)
        except Refusal as refusal:
            if refusal.retry_after:
                context.set_trailing_metadata((("retry-after", str(refusal.retry_after)),))
            code, text = refusal.code, refusal.text
        except (ValueError, TypeError) as error:
            code, text = Code.INVALID_ARGUMENT, str(error)
        except Exception as error:  # noqa: BLE001 the engine has no other class
            code, text = Code.INTERNAL, f"Service internal error: {error}"
        context.abort(code, text)

    return method


def servicer(cls):
    for name, function in list(vars(cls).items()):
        if not name.startswith("_"):
            setattr(cls, name, call(function))
    return cls


@servicer
class Qdrant(qdrant_pb2_grpc.QdrantServicer):
    def HealthCheck(self, request):
        return qdrant_pb2.HealthCheckReply(title="qdrant - vector search engine", version=SERVER.version)


@servicer
class Collections(collections_service_pb2_grpc.CollectionsServicer):
    def Create(self, request):
        SERVER.create(request)
        return collections_pb2.CollectionOperationResponse(result=True)

    def Delete(self, request):
        return collections_pb2.CollectionOperationResponse(result=SERVER.delete(request.collection_name))

    def List(self, request):
        with SERVER.lock:
            names = sorted(SERVER.collections)
        return collections_pb2.ListCollectionsResponse(
            collections=[collections_pb2.CollectionDescription(name=name) for name in names]
        )

    def CollectionExists(self, request):
        with SERVER.lock:
            exists = SERVER.aliases.get(request.collection_name, request.collection_name) in SERVER.collections
        return collections_pb2.CollectionExistsResponse(result=collections_pb2.CollectionExists(exists=exists))

    def Get(self, request):
        collection = SERVER.find(request.collection_name)
        collection.fail("Get")
        with collection.lock:
            info = collection.shard.info()
            status, error = collection.status()
            out = collections_pb2.CollectionInfo(
                status=status,
                optimizer_status=collections_pb2.OptimizerStatus(ok=not error, error=error),
                segments_count=info.segments_count,
                points_count=info.points_count,
                indexed_vectors_count=collection.indexed_vectors(),
            )
            created = collection.configuration
            config = out.config
            config.params.CopyFrom(
                collections_pb2.CollectionParams(
                    shard_number=created.shard_number or 1,
                    on_disk_payload=created.on_disk_payload if created.HasField("on_disk_payload") else True,
                    vectors_config=created.vectors_config,
                    replication_factor=1,
                    write_consistency_factor=1,
                )
            )
            if created.HasField("sparse_vectors_config"):
                config.params.sparse_vectors_config.CopyFrom(created.sparse_vectors_config)
            if created.HasField("sharding_method"):
                config.params.sharding_method = created.sharding_method
            config.hnsw_config.CopyFrom(
                collections_pb2.HnswConfigDiff(m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=0)
            )
            config.hnsw_config.on_disk = False
            config.hnsw_config.MergeFrom(created.hnsw_config)
            config.optimizer_config.CopyFrom(
                collections_pb2.OptimizersConfigDiff(
                    deleted_threshold=0.2,
                    vacuum_min_vector_number=1000,
                    default_segment_number=0,
                    indexing_threshold=10_000 if SERVER.number >= (1, 16, 0) else 20_000,
                    flush_interval_sec=5,
                )
            )
            config.optimizer_config.MergeFrom(created.optimizers_config)
            config.wal_config.CopyFrom(collections_pb2.WalConfigDiff(wal_capacity_mb=32, wal_segments_ahead=0))
            config.wal_config.MergeFrom(created.wal_config)
            if created.HasField("quantization_config"):
                config.quantization_config.CopyFrom(created.quantization_config)
            if created.HasField("strict_mode_config"):
                config.strict_mode_config.CopyFrom(created.strict_mode_config)
            for key, value in created.metadata.items():
                config.metadata[key].CopyFrom(value)
            for key, index in info.payload_schema.items():
                name = str(index.data_type).rsplit(".", 1)[-1]
                out.payload_schema[key].data_type = PAYLOAD_TYPES.index(name) + 1
                out.payload_schema[key].points = index.points
                with contextlib.suppress(FileNotFoundError):
                    with open(os.path.join(collection.folder, index_file(key)), "rb") as file:
                        out.payload_schema[key].params.ParseFromString(file.read())
            if SERVER.number >= (1, 17, 0):
                out.update_queue.length = 0
                out.update_queue.deferred_points = collection.deferred_points()
        return collections_pb2.GetCollectionInfoResponse(result=out)

    def Update(self, request):
        collection = SERVER.find(request.collection_name)
        with collection.lock:
            created = collection.configuration
            for name in ("optimizers_config", "hnsw_config", "strict_mode_config"):
                if request.HasField(name):
                    getattr(created, name).MergeFrom(getattr(request, name))
            if request.HasField("params"):
                if request.params.HasField("on_disk_payload"):
                    created.on_disk_payload = request.params.on_disk_payload
            if request.HasField("quantization_config"):
                update_quantization(request.quantization_config, created)
            update_vectors(request.vectors_config, created.vectors_config)
            if SERVER.number >= (1, 16, 0):
                for key, value in request.metadata.items():
                    if key == CONTROL:
                        continue
                    if value.WhichOneof("kind") in (None, "null_value"):
                        created.metadata.pop(key, None)
                    else:
                        created.metadata[key].CopyFrom(value)
            collection.save()
            collection.limit()
            if request.HasField("optimizers_config") or request.HasField("hnsw_config"):
                if collection.forced and collection.forced[0] == GREY:
                    collection.forced = None
                if collection.large() and collection.indexed():
                    collection.start_optimization()
            if CONTROL in request.metadata:
                collection.control(value_in(request.metadata[CONTROL]))
        return collections_pb2.CollectionOperationResponse(result=True)

    def UpdateAliases(self, request):
        SERVER.change_aliases(request.actions)
        return collections_pb2.CollectionOperationResponse(result=True)

    def ListAliases(self, request):
        with SERVER.lock:
            aliases = sorted(SERVER.aliases.items())
        return aliases_out(aliases)

    def ListCollectionAliases(self, request):
        with SERVER.lock:
            aliases = sorted(pair for pair in SERVER.aliases.items() if pair[1] == request.collection_name)
        return aliases_out(aliases)

    def CollectionClusterInfo(self, request):
        collection = SERVER.find(request.collection_name)
        info = collections_pb2.CollectionClusterInfoResponse(peer_id=1, shard_count=1)
        info.local_shards.add(shard_id=0, points_count=collection.points(), state=collections_pb2.ReplicaState.Active)
        return info


def aliases_out(aliases):
    return collections_pb2.ListAliasesResponse(
        aliases=[collections_pb2.AliasDescription(alias_name=a, collection_name=c) for a, c in aliases]
    )


def index_file(key):
    return "index-" + hashlib.sha1(key.encode()).hexdigest()


def update_quantization(change, created):
    kind = change.WhichOneof("quantization")
    if kind == "disabled":
        created.ClearField("quantization_config")
    else:
        getattr(created.quantization_config, kind).CopyFrom(getattr(change, kind))


def update_vectors(change, config):
    pairs = []
    if change.WhichOneof("config") == "params":
        pairs = [(change.params, config.params)]
    elif change.WhichOneof("config") == "params_map":
        for name, params in change.params_map.map.items():
            if name == "" and config.WhichOneof("config") == "params":
                pairs.append((params, config.params))
            elif name in config.params_map.map:
                pairs.append((params, config.params_map.map[name]))
            else:
                raise wrong_input(f"Vector with name `{name}` is not configured in this collection")
    for new, old in pairs:
        if new.HasField("hnsw_config"):
            old.hnsw_config.MergeFrom(new.hnsw_config)
        if new.HasField("on_disk"):
            old.on_disk = new.on_disk
        if new.HasField("quantization_config"):
            update_quantization(new.quantization_config, old)


def payload_selector(selector):
    kind = selector.WhichOneof("selector_options")
    if kind == "enable":
        return selector.enable
    if kind == "include":
        return edge.PayloadSelector.Include(list(selector.include.fields))
    if kind == "exclude":
        return edge.PayloadSelector.Exclude(list(selector.exclude.fields))
    return False


def vector_selector(selector):
    kind = selector.WhichOneof("selector_options")
    return selector.enable if kind == "enable" else list(selector.include.names) if kind == "include" else False


def record_out(record, out, collection, vectors):
    id_out(record.id, out.id)
    for key, value in (record.payload or {}).items():
        value_out(value, out.payload[key])
    if not vectors or record.vector is None:
        return
    found = record.vector if isinstance(record.vector, dict) else {"": record.vector}
    if collection.named():
        out.vectors.vectors.SetInParent()
        for name, vector in found.items():
            vector_out(vector, out.vectors.vectors.vectors[name], collection.version)
    else:
        # A vector without a name beside sparse ones comes as a map too.
        if set(found) <= {""}:
            if found:
                vector_out(found[""], out.vectors.vector, collection.version)
        else:
            out.vectors.vectors.SetInParent()
            for name, vector in found.items():
                vector_out(vector, out.vectors.vectors.vectors[name], collection.version)


def condition_in(condition):
    kind = condition.WhichOneof("condition_one_of")
    if kind == "filter":
        return filter_in(condition.filter)
    if kind == "has_id":
        return edge.HasIdCondition({id_in(point_id) for point_id in condition.has_id.has_id})
    if kind == "is_empty":
        return edge.IsEmptyCondition(condition.is_empty.key)
    if kind == "is_null":
        return edge.IsNullCondition(condition.is_null.key)
    if kind == "has_vector":
        return edge.HasVectorCondition(condition.has_vector.has_vector)
    if kind == "field":
        field = condition.field
        match = field.match.WhichOneof("match_value")
        if match in ("keyword", "integer", "boolean"):
            return edge.FieldCondition(key=field.key, match=edge.MatchValue(getattr(field.match, match)))
        if field.HasField("range"):
            bounds = {name: getattr(field.range, name) for name in ("gt", "gte", "lt", "lte") if field.range.HasField(name)}
            return edge.FieldCondition(key=field.key, range=edge.RangeFloat(**bounds))
    raise Refusal(Code.UNIMPLEMENTED, f"the test server does not know the condition {condition}")


def keys_of(condition):
    kind = condition.WhichOneof("condition_one_of")
    if kind == "filter":
        return keys_of_filter(condition.filter)
    return [getattr(condition, kind).key] if kind in ("field", "is_empty", "is_null") else []


def keys_of_filter(conditions):
    return [key for part in (conditions.must, conditions.should, conditions.must_not) for c in part for key in keys_of(c)]


def filter_in(conditions):
    return edge.Filter(
        must=[condition_in(condition) for condition in conditions.must] or None,
        should=[condition_in(condition) for condition in conditions.should] or None,
        must_not=[condition_in(condition) for condition in conditions.must_not] or None,
    )


def checked_filter(request, collection):
    if not request.HasField("filter"):
        return None
    mode = collection.strict_mode()
    if mode.HasField("unindexed_filtering_retrieve") and not mode.unindexed_filtering_retrieve:
        known = collection.shard.info().payload_schema
        for key in keys_of_filter(request.filter):
            if key not in known:
                raise strict(
                    f'Index required but not found for "{key}" of one of the following types: [keyword]',
                    "Create an index for this key or use a different filter.",
                )
    return filter_in(request.filter)


def query_in(request, collection):
    """The engine's form of a query; None asks for points in the order of their ids."""
    if not request.HasField("query"):
        return None
    kind = request.query.WhichOneof("variant")
    if kind == "sample" and SERVER.number >= (1, 11, 0):
        return edge.Sample.Random
    if kind != "nearest":
        raise Refusal(Code.UNIMPLEMENTED, f"the test server does not know the query {kind}")
    nearest = request.query.nearest
    form = nearest.WhichOneof("variant")
    if form == "dense":
        vector = list(nearest.dense.data)
    elif form == "sparse":
        vector = edge.SparseVector(list(nearest.sparse.indices), list(nearest.sparse.values))
    elif form == "multi_dense":
        vector = [list(row.data) for row in nearest.multi_dense.vectors]
    else:
        raise Refusal(Code.UNIMPLEMENTED, f"the test server does not know the query {form}")
    name = request.using
    if name not in collection.dense() and name not in collection.sparse():
        raise wrong_input(f"Not existing vector name error: {name}")
    if form == "dense" and name in collection.dense() and len(vector) != collection.dense()[name].size:
        raise wrong_input(f"Vector dimension error: expected dim: {collection.dense()[name].size}, got {len(vector)}")
    return edge.Query.Nearest(vector, name or None)


def run_query(request, collection, out):
    mode = collection.strict_mode()
    limit = request.limit if request.HasField("limit") else 10
    require_limit(limit, mode.max_query_limit, "limit")
    if request.params.exact and mode.HasField("search_allow_exact") and not mode.search_allow_exact:
        raise strict("Exact search disabled!", "Set exact=false.")
    require_limit(request.params.hnsw_ef, mode.search_max_hnsw_ef, "hnsw_ef")
    vectors = vector_selector(request.with_vectors)
    found = collection.shard.query(
        edge.QueryRequest(
            limit=limit,
            offset=request.offset,
            query=query_in(request, collection),
            filter=checked_filter(request, collection),
            params=edge.SearchParams(exact=True),
            with_vector=vectors,
            with_payload=payload_selector(request.with_payload),
        )
    )
    for point in found:
        scored = out.add()
        record_out(point, scored, collection, vectors)
        scored.score, scored.version = point.score, point.version


@servicer
class Points(points_service_pb2_grpc.PointsServicer):
    def Upsert(self, request):
        collection = SERVER.find(request.collection_name)
        collection.fail("Upsert")
        collection.begin_write(len(request.points))
        points = collection.check_points(request.points)
        modes = {0: edge.UpdateMode.Upsert, 1: edge.UpdateMode.InsertOnly, 2: edge.UpdateMode.UpdateOnly}
        with collection.lock:
            collection.shard.update(Operation.upsert_points(points, update_mode=modes[request.update_mode]))
            return collection.written()

    def Delete(self, request):
        collection = SERVER.find(request.collection_name)
        chosen = request.points
        with collection.lock:
            if chosen.WhichOneof("points_selector_one_of") == "points":
                collection.shard.update(Operation.delete_points([id_in(point_id) for point_id in chosen.points.ids]))
            else:
                collection.shard.update(Operation.delete_points_by_filter(filter_in(chosen.filter)))
            return collection.written()

    def Get(self, request):
        collection = SERVER.find(request.collection_name)
        collection.fail("GetPoints")
        collection.begin_read(len(request.ids))
        vectors = vector_selector(request.with_vectors)
        out = points_pb2.GetResponse()
        ids = [id_in(point_id) for point_id in request.ids]
        for record in collection.shard.retrieve(ids, payload_selector(request.with_payload), vectors):
            record_out(record, out.result.add(), collection, vectors)
        return out

    def Scroll(self, request):
        collection = SERVER.find(request.collection_name)
        collection.fail("Scroll")
        limit = request.limit if request.HasField("limit") else 10
        if limit < 1:
            raise malformed("Validation error in body: [limit: value 0 invalid, must be 1 or larger]")
        require_limit(limit, collection.strict_mode().max_query_limit, "limit")
        collection.begin_read(1)
        vectors = vector_selector(request.with_vectors)
        wanted = {}
        if request.HasField("offset"):
            wanted["offset"] = id_in(request.offset)
        records, after = collection.shard.scroll(
            edge.ScrollRequest(
                limit=limit,
                filter=checked_filter(request, collection),
                with_payload=payload_selector(request.with_payload) if request.HasField("with_payload") else True,
                with_vector=vectors,
                **wanted,
            )
        )
        out = points_pb2.ScrollResponse()
        for record in records:
            record_out(record, out.result.add(), collection, vectors)
        if after is not None:
            id_out(after, out.next_page_offset)
        return out

    def Count(self, request):
        collection = SERVER.find(request.collection_name)
        collection.fail("Count")
        collection.begin_read(1)
        count = collection.shard.count(
            edge.CountRequest(exact=not request.HasField("exact") or request.exact, filter=checked_filter(request, collection))
        )
        return points_pb2.CountResponse(result=points_pb2.CountResult(count=count))

    def Query(self, request):
        collection = SERVER.find(request.collection_name)
        collection.begin_read(1)
        out = points_pb2.QueryResponse()
        run_query(request, collection, out.result)
        return out

    def QueryBatch(self, request):
        collection = SERVER.find(request.collection_name)
        collection.fail("QueryBatch")
        collection.begin_read(len(request.query_points))
        require_limit(len(request.query_points), collection.strict_mode().search_max_batchsize, "search batch size")
        out = points_pb2.QueryBatchResponse()
        for query in request.query_points:
            run_query(query, collection, out.result.add().result)
        return out

    def CreateFieldIndex(self, request):
        collection = SERVER.find(request.collection_name)
        if not request.field_name:
            raise malformed("Validation error in body: [field_name: value length must be 1 or larger]")
        kind = request.field_type
        if request.HasField("field_index_params") and not request.HasField("field_type"):
            name = request.field_index_params.WhichOneof("index_params")
            kind = PAYLOAD_TYPES.index(name.split("_")[0].capitalize())
        with collection.lock:
            limit = collection.strict_mode().max_payload_index_count
            if limit and len(collection.shard.info().payload_schema) >= limit:
                raise strict(
                    f"Collection already contains the maximum number of {limit} payload indices",
                    "Please delete an existing index before creating a new one.",
                )
            collection.shard.update(
                Operation.create_field_index(request.field_name, getattr(edge.PayloadSchemaType, PAYLOAD_TYPES[kind]))
            )
            if request.HasField("field_index_params"):
                write_file(
                    os.path.join(collection.folder, index_file(request.field_name)),
                    request.field_index_params.SerializeToString(),
                )
            return collection.written()

    def DeleteFieldIndex(self, request):
        collection = SERVER.find(request.collection_name)
        with collection.lock:
            collection.shard.update(Operation.delete_field_index(request.field_name))
            return collection.written()


@servicer
class Snapshots(snapshots_service_pb2_grpc.SnapshotsServicer):
    def Create(self, request):
        collection = SERVER.find(request.collection_name)
        with collection.lock:
            collection.shard.flush()
            # The server's names have a resolution of one second too: a second snapshot in it replaces the first.
            moment = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
            name = f"{request.collection_name}-1-{moment}.snapshot"
            path = os.path.join(SERVER.folder, hashlib.sha1(name.encode()).hexdigest())
            made = shutil.make_archive(path, "tar", collection.folder)
            snapshot = {"name": name, "seconds": int(time.time()), "size": os.path.getsize(made), "file": made}
            collection.snapshots = [old for old in collection.snapshots if old["name"] != name] + [snapshot]
            write_file(os.path.join(collection.folder, "snapshots.json"), json.dumps(collection.snapshots).encode())
        return snapshots_service_pb2.CreateSnapshotResponse(snapshot_description=snapshot_out(snapshot))

    def List(self, request):
        collection = SERVER.find(request.collection_name)
        return snapshots_service_pb2.ListSnapshotsResponse(
            snapshot_descriptions=[snapshot_out(snapshot) for snapshot in collection.snapshots]
        )

    def Delete(self, request):
        collection = SERVER.find(request.collection_name)
        with collection.lock:
            left = [snapshot for snapshot in collection.snapshots if snapshot["name"] != request.snapshot_name]
            if len(left) == len(collection.snapshots):
                raise Refusal(Code.NOT_FOUND, f"Not found: Snapshot {request.snapshot_name} not found")
            collection.snapshots = left
            write_file(os.path.join(collection.folder, "snapshots.json"), json.dumps(left).encode())
        return snapshots_service_pb2.DeleteSnapshotResponse()


def snapshot_out(snapshot):
    out = snapshots_service_pb2.SnapshotDescription(name=snapshot["name"], size=snapshot["size"])
    out.creation_time.seconds = snapshot["seconds"]
    return out


class Health(grpc.GenericRpcHandler):
    """grpc.health.v1.Health/Check; the answer is the one byte that says SERVING."""

    def service(self, details):
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: struct.pack("BB", 8, 1))


class KeyCheck(grpc.ServerInterceptor):
    """The API key, which health checks do not need."""

    def __init__(self, api_key):
        self.api_key = api_key

        def refuse(text):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: context.abort(Code.UNAUTHENTICATED, text))

        self.missing = refuse("Must provide an API key or an Authorization bearer token")
        self.wrong = refuse("Invalid API key or JWT")

    def intercept_service(self, continuation, details):
        if details.method.endswith(("/HealthCheck", "Health/Check")):
            return continuation(details)
        key = dict(details.invocation_metadata).get("api-key")
        return self.missing if key is None else continuation(details) if key == self.api_key else self.wrong


def main():
    global SERVER
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", required=True, help="folder that keeps collections and aliases")
    parser.add_argument("--version", default="1.18.3", help="version of Qdrant whose wire format is spoken")
    parser.add_argument("--api-key", help="refuse requests without this key")
    parser.add_argument("--largest-request", type=int, default=-1, help="bytes")
    arguments = parser.parse_args()
    SERVER = Server(os.path.abspath(arguments.data), arguments.version, arguments.api_key)
    server = grpc.server(
        futures.ThreadPoolExecutor(8),
        interceptors=[KeyCheck(arguments.api_key)] if arguments.api_key else [],
        options=[
            ("grpc.max_receive_message_length", arguments.largest_request),
            ("grpc.max_send_message_length", -1),
            # Two servers on one port would share the requests.
            ("grpc.so_reuseport", 0),
        ],
    )
    qdrant_pb2_grpc.add_QdrantServicer_to_server(Qdrant(), server)
    collections_service_pb2_grpc.add_CollectionsServicer_to_server(Collections(), server)
    points_service_pb2_grpc.add_PointsServicer_to_server(Points(), server)
    snapshots_service_pb2_grpc.add_SnapshotsServicer_to_server(Snapshots(), server)
    server.add_generic_rpc_handlers((Health(),))
    server.add_insecure_port(f"{arguments.host}:{arguments.port}")
    server.start()
    print("ready", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
    server.wait_for_termination()
    for collection in list(SERVER.collections.values()):
        collection.shard.flush()


if __name__ == "__main__":
    main()
