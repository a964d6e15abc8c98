"""From counts, prices and months to bills. No number of money or traffic stands here, only how they meet."""

import collections
import json
import math
import pathlib
import re
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HOURS = 730  # of a month
SECONDS = HOURS * 3600
MIB, GIB = 1 << 20, 1 << 30
FULL_CPU_MB = 1769  # of memory, with which a function has one vCPU (Lambda's documentation)
TABLE_CALLS = {"get": "get_ms", "get_batch": "get_ms", "query": "query_ms", "commit": "commit_ms"}
STORE_CALLS = {"put": "s3_put", "begin": "s3_put", "write": "s3_put", "complete": "s3_put", "read": "s3_get",
               "begin_direct": "s3_put", "bring_part": "s3_put", "arrived": "s3_put", "assemble": "s3_put", "size": "s3_get",
               "remove": "s3_put"}  # a removal lists uploads begun, which costs, and deletes, which does not


def load(name):
    return tomllib.loads((HERE / name).read_text())


def read(path):
    return (ROOT / path).read_text()


# What a function carries of a body.
CARRIED = int(re.search(r"MAX_BYTES: u64 = ([\d_]+);", read("shared/src/lambda.rs"))[1].replace("_", ""))


class Deployment:
    """What is deployed, read off the templates."""

    def __init__(self):
        template, service = read("infra/template.yaml"), read("infra/container/service.yaml")
        globals_, _, resources = template.partition("\nResources:\n")
        usual = int(re.search(r"MemorySize: (\d+)", globals_)[1])
        self.memory = {}
        functions = re.findall(r"\n  (\w+)Function:\n    Type: AWS::Serverless::Function\n(.*?)(?=\n  \w|\Z)", resources, re.S)
        for name, block in functions:
            own = re.search(r"\n      MemorySize: (\d+)", block)
            self.memory[re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()] = int(own[1]) if own else usual
        self.keyed = resources.count("GLINT_TABLE_ADAPTER: dynamodb")  # functions that use the table
        self.traced = "Tracing: Active" in globals_
        self.alarms = resources.count("Type: AWS::CloudWatch::Alarm")
        self.dashboards = resources.count("Type: AWS::CloudWatch::Dashboard")
        self.mappings = resources.count("Type: AWS::Lambda::EventSourceMapping")
        self.runs = HOURS * 60 // int(re.search(r"ScheduleExpression: rate\((\d+) minutes?\)", resources)[1])
        self.kept_days = int(re.search(r"KeepDeletedDays:\n.*?Default: (\d+)", globals_, re.S)[1])
        self.indexes = len(json.loads(read("infra/table.json"))["LocalSecondaryIndexes"])
        self.metrics = read("functions/reaper/src/metrics.rs").count('{ "Name": ')
        self.task_vcpu, self.task_gb = (int(re.search(rf'{key}: "(\d+)"', service)[1]) / 1024 for key in ("Cpu", "Memory"))
        self.tasks = int(re.search(r"MinCapacity: (\d+)", service)[1])
        self.container_alarms = service.count("Type: AWS::CloudWatch::Alarm")
        settings = read("docs/configuration.md")
        self.part_mib, self.lease_seconds = (
            int(re.search(rf"`upload\.{key}` \| \S+ \| `(\d+)`", settings)[1]) for key in ("part_mib", "lease_seconds"))


class Bill:
    """Amounts of what is paid for, by line and price."""

    def __init__(self, prices):
        self.prices, self.amounts = prices, collections.defaultdict(float)

    def add(self, line, price, amount):
        self.amounts[line, price] += amount

    def usd(self, *lines, free=False):
        """What some lines come to, or all of them; `free` takes away what is free every month."""
        totals = collections.defaultdict(float)
        for (line, price), amount in self.amounts.items():
            if not lines or line in lines:
                totals[price] += amount
        return sum(cost(self.prices[price], amount, free) for price, amount in totals.items())


def cost(price, amount, free=False):
    left = max(0.0, amount - (price.get("free", 0) if free else 0)) / price["per"]
    total, below = 0.0, 0.0
    for upto, usd in price.get("tiers", [[math.inf, price.get("usd")]]):
        taken = min(left, upto - below)
        total, left, below = total + taken * usd, left - taken, upto
    return total


def function_of(operation):
    """Who answers an operation: the name in brackets at its end, or who has its route."""
    named = re.search(r"\((\w+)\)$", operation)
    if named:
        return named[1]
    if "task" in operation:
        return "tasks"
    first = operation.split()[0].rstrip(",")
    return {"versions": "discovery", "upload": "uploads", "stage": "uploads", "download": "uploads", "ask": "uploads",
            "import": "tasks"}.get(first, "images")


class Model:
    def __init__(self):
        self.prices = load("prices.toml")["prices"]
        counts, self.months = load("counts.toml"), load("months.toml")
        self.bytes, self.assumed = counts["bytes"], {name: each["is"] for name, each in self.months["assumed"].items()}
        self.counted = {each["name"]: each for each in counts["operation"]}
        self.operations = self.counted | {each["name"]: each for each in self.months["uncounted"]}
        self.deployed, self.bodies = Deployment(), self.months["body"]

    def bill(self):
        return Bill(self.prices)

    def cpu_ms(self, operation, whose):
        word = {"add": "patch", "remove": "patch"}.get(operation.split()[0], operation.split()[0])
        return self.months["cpu"][whose].get(word, self.months["cpu"][whose]["show"])

    def milliseconds(self, operation, body_mib=0.0):
        """How long a function runs for an operation."""
        share = min(1, self.deployed.memory[function_of(operation)] / FULL_CPU_MB)
        waits = 0
        for call in (call.split()[0] for call in self.operations[operation]["calls"]):
            if call not in TABLE_CALLS and call not in STORE_CALLS:
                raise SystemExit(f"costs: nobody knows what the call {call!r} of {operation!r} costs")
            waits += self.assumed[TABLE_CALLS.get(call, "store_ms")]
        waits += len(self.jobs(operation)) * self.assumed["queue_ms"]
        return self.cpu_ms(operation, "glint") / share + waits + body_mib * self.assumed["mib_ms"]

    def units(self, bill, operation, times, shards=1):
        """The table's and the queue's part of an operation, and the bucket's but for the parts of large bodies."""
        counted, like = self.operations[operation], self.months["spread"].get(operation)
        further = (shards - 1) * self.operations[like]["read"] if like else 0
        bill.add("table: requests", "read_unit", times * (counted["read"] + further))
        bill.add("table: requests", "write_unit", times * (counted["write"] + counted["index"]))
        for call in (call.split()[0] for call in counted["calls"]):
            if call in STORE_CALLS:
                bill.add("bucket: requests", STORE_CALLS[call], times)

    def invoke(self, bill, operation, times, body_mib=0.0):
        """The host's part: the function, and the API in front of it."""
        assumed, function = self.assumed, function_of(operation)
        gb = self.deployed.memory[function] / 1024
        seconds = (self.milliseconds(operation, body_mib) + assumed["cold_share"] * assumed["init_ms"]) / 1000
        bill.add("functions", "lambda_request", times * self.runs(operation))
        bill.add("functions", "lambda_gb_second", times * gb * seconds)
        logged = assumed["platform_bytes"] + 2 * assumed["event_bytes"]
        if function in ("authorizer", "upload_completed"):
            pass
        elif function == "importer":
            logged *= self.runs(operation)
        elif function == "reaper":
            logged += assumed["run_bytes"] + assumed["event_bytes"]
        else:
            bill.add("HTTP API", "http_request", times * max(1, math.ceil(body_mib * 2)))
            logged += assumed["answered_bytes"] + assumed["access_bytes"] + 2 * assumed["event_bytes"]
        self.log(bill, times * logged)
        bill.add("queues, schedule, keys", "sqs_request", times * self.messages(operation) * assumed["event_requests"])

    def jobs(self, operation):
        """What it asks others for, each a message."""
        return self.operations[operation].get("queue", [])

    def runs(self, operation):
        """How many invocations it takes: one for each object that is imported."""
        return 1 + self.jobs(operation).count("import") if function_of(operation) == "importer" else 1

    def messages(self, operation):
        return len(self.jobs(operation)) + self.months["messages"].get(operation, 0)

    def keys(self, bill, users):
        bill.add("queues, schedule, keys", "kms_request", users * HOURS * self.assumed["kms_requests_hour"])

    def log(self, bill, size):
        bill.add("logs", "log_gb", size / GIB)
        bill.add("logs", "log_kept_gb", size / GIB * self.assumed["log_kept_share"])

    def traces(self, bill, calls):
        """By function: the first call in each second and a share of the others. Calls come by chance."""
        if self.deployed.traced:
            for times in calls.values():
                first = SECONDS * (1 - math.exp(-times / SECONDS))
                bill.add("traces", "trace", first + self.assumed["traced_share"] * (times - first))

    def standing(self, bill, calls):
        """What a deployment of functions costs when nobody calls."""
        deployed, assumed, idle = self.deployed, self.assumed, "nothing is due (reaper)"
        self.units(bill, idle, deployed.runs)
        self.invoke(bill, idle, deployed.runs)
        calls["reaper"] += deployed.runs
        bill.add("queues, schedule, keys", "schedule", deployed.runs)
        bill.add("queues, schedule, keys", "sqs_request", deployed.mappings * HOURS * assumed["poll_requests_hour"])
        self.keys(bill, 1)  # the reaper's, all month
        for price, amount in (("alarm", deployed.alarms), ("dashboard", deployed.dashboards), ("metric", deployed.metrics)):
            bill.add("alarms, dashboard, metrics", price, amount)

    def image_bytes(self):
        """Of the table, for an image: its record, its rows with their copies in indexes, its blob, and what was deleted."""
        size, extra, copies = self.bytes, self.assumed["item_overhead_bytes"], 1 + self.deployed.indexes
        live = size["record"] + size["blob"] + 2 * extra + copies * (size["row_of_all"] + size["row_of_owner"] + 2 * extra)
        live += 3 * (size["reference_of_all"] + size["reference_of_owner"] + 2 * extra)  # in two indexes
        return live + self.assumed["deleted_share"] * (size["deleted"] + extra)

    def images_a_shard(self):
        """How many images one partition of the widest list holds: DynamoDB ends one with local indexes at 10 GB."""
        return 10 * GIB // ((1 + self.deployed.indexes) * (self.bytes["row_of_all"] + self.assumed["item_overhead_bytes"]))

    def lease_units(self):
        """A lease renewed: the blob is looked at, one due row goes, one comes."""
        return 2 * (math.ceil(self.bytes["blob"] / 1024) + 2 * math.ceil(self.bytes["due"] / 1024))
