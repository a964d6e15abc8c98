"""The bills of a month: Glint as functions with containers for large bodies, Glint in containers alone, and Glance."""

import collections
import math

from model import CARRIED, GIB, HOURS, MIB, SECONDS, function_of

# Operations by the names they are counted by.
LARGE, SMALL, DOWNLOAD = "upload 3 parts", "upload less than a part", "download"
REMOVED, IDLE = "remove the data of a deleted image (reaper)", "nothing is due (reaper)"
ARRIVED = "an object appears in the bucket (upload_completed)"
DELETE, LET_IN = "delete an image with data", "let a caller in (authorizer)"


class Month:
    """One month's traffic, and what it comes to for each way to serve it."""

    def __init__(self, model, month):
        self.model, self.month, self.calls = model, month, month["calls"]
        bodies = model.bodies
        self.mean_gib = sum(body["mib"] * body["share"] for body in bodies) * MIB / GIB
        self.deletes = self.calls[DELETE]
        self.requests = sum(times for name, times in self.calls.items() if name != LET_IN)
        self.carried = [body for body in bodies if body["mib"] * MIB <= CARRIED]
        self.large = [body for body in bodies if body["mib"] * MIB > CARRIED]
        self.up_gib, self.down_gib = month["uploads"] * self.mean_gib, month["downloads"] * self.mean_gib
        large = sum(body["mib"] * body["share"] for body in self.large) * MIB / GIB
        self.large_up_gib, self.large_down_gib = month["uploads"] * large, month["downloads"] * large

    def table(self, bill):
        """What any Glint does to the table and the bucket."""
        model, month = self.model, self.month
        for name, times in self.calls.items():
            model.units(bill, name, times, month["listing_shards"])
        model.units(bill, REMOVED, self.deletes)
        model.units(bill, DOWNLOAD, month["downloads"])
        for body in model.bodies:
            times = month["uploads"] * body["share"]
            parts = math.ceil(body["mib"] / model.deployed.part_mib)
            model.units(bill, SMALL if parts == 1 else LARGE, times)
            if parts > 1:
                counted = model.operations[LARGE]["calls"].count("write")
                bill.add("bucket: requests", "s3_put", times * (parts - counted))
            renewals = body["mib"] / model.assumed["upload_mib_second"] // (model.deployed.lease_seconds / 3)
            bill.add("table: requests", "write_unit", times * renewals * model.lease_units())
        stored = month["images"] * model.image_bytes() / GIB
        bill.add("table: storage, backup", "table_gb", stored)
        bill.add("table: storage, backup", "backup_gb", stored)

    def bucket(self, bill):
        """The bytes: the same for everybody, and kept as long when they were deleted."""
        kept = self.deletes * self.model.deployed.kept_days * 24 / HOURS
        bill.add("bucket: bytes", "bucket_gb", (self.month["images"] + kept) * self.mean_gib)

    def vcpu(self, whose, requests, up_gib, down_gib):
        """How many are busy on average."""
        used = self.model.months["cpu"][whose]
        seconds = up_gib * used["upload_gib"] + down_gib * used["download_gib"]
        if requests:
            calls = ((name, times) for name, times in self.calls.items() if name != LET_IN)
            seconds += sum(times * self.model.cpu_ms(name, whose) for name, times in calls) / 1000
        return seconds / SECONDS

    def containers(self, whose, requests, up_gib, down_gib):
        """How many run on average: their number follows the load, and two stand in two zones at least."""
        deployed, assumed = self.model.deployed, self.model.assumed
        by_cpu = self.vcpu(whose, requests, up_gib, down_gib) / deployed.task_vcpu
        # What comes from a client goes on to the bucket, and the other way.
        by_network = 2 * (up_gib + down_gib) * GIB / MIB / SECONDS / assumed["task_mib_second"]
        return max(deployed.tasks, math.ceil(max(by_cpu, by_network) / assumed["busy"]))

    def stand(self, bill, tasks, requests, gib):
        """Containers, the balancer before them and their way to what is outside the network."""
        deployed = self.model.deployed
        bill.add("containers", "fargate_vcpu_hour", tasks * deployed.task_vcpu * HOURS)
        bill.add("containers", "fargate_gb_hour", tasks * deployed.task_gb * HOURS)
        line = "balancer, endpoints"
        bill.add(line, "alb_hour", HOURS)
        bill.add(line, "alb_lcu_hour", HOURS * max(gib / HOURS, requests / SECONDS / 25))  # GB, or new connections a second
        bill.add(line, "endpoint_hour", self.model.assumed["endpoints"] * HOURS)

    def functions(self):
        """As the template deploys it, with its data plane."""
        model, month, calls = self.model, self.month, collections.Counter()
        bill = model.bill()
        model.standing(bill, calls)
        model.keys(bill, model.deployed.keyed - 1)
        self.table(bill)
        self.bucket(bill)

        events = {REMOVED: self.deletes, ARRIVED: month["uploads"]}
        invoked = [(name, times, 0.0) for name, times in (self.calls | events).items()]
        for body in self.carried:
            invoked.append((SMALL, month["uploads"] * body["share"], body["mib"]))
            invoked.append((DOWNLOAD, month["downloads"] * body["share"], body["mib"]))
        for name, times, mib in invoked:
            model.invoke(bill, name, times, mib)
            calls[function_of(name)] += times
        model.units(bill, ARRIVED, month["uploads"])
        model.traces(bill, calls)

        tasks = self.containers("glint", False, self.large_up_gib, self.large_down_gib)
        large = sum(body["share"] for body in self.large) * (month["uploads"] + month["downloads"])
        self.beside(bill, tasks, large, self.large_up_gib + self.large_down_gib)
        return bill, tasks

    def beside(self, bill, tasks, requests, gib):
        """Containers of Glint: each looks for what is due, and logs what it answers."""
        model = self.model
        self.stand(bill, tasks, requests, gib)
        model.units(bill, IDLE, tasks * model.deployed.runs)
        model.keys(bill, tasks)
        model.log(bill, requests * (model.assumed["answered_bytes"] + model.assumed["event_bytes"]))
        bill.add("alarms, dashboard, metrics", "alarm", model.deployed.container_alarms)

    def served(self):
        """`glint serve` alone, on the same table and bucket."""
        bill = self.model.bill()
        self.table(bill)
        self.bucket(bill)
        tasks = self.containers("glint", True, self.up_gib, self.down_gib)
        requests = self.requests + self.month["uploads"] + self.month["downloads"]
        self.beside(bill, tasks, requests, self.up_gib + self.down_gib)
        return bill, tasks

    def glance(self):
        """Glance in as many containers as it needs of the same shape, on MariaDB in two zones, with the same bucket."""
        model, month, bill = self.model, self.month, self.model.bill()
        self.bucket(bill)
        for body in model.bodies:
            large = body["mib"] > model.assumed["glance_large_mib"]
            puts = math.ceil(body["mib"] / model.assumed["glance_part_mib"]) + 2 if large else 1
            bill.add("bucket: requests", "s3_put", month["uploads"] * body["share"] * puts)
        bill.add("bucket: requests", "s3_get", month["downloads"])
        tasks = self.containers("glance", True, self.up_gib, self.down_gib)
        requests = self.requests + month["uploads"] + month["downloads"]
        self.stand(bill, tasks, requests, self.up_gib + self.down_gib)
        bill.add("database", month["database"], HOURS)
        bill.add("database", "database_gb", month["database_gb"])
        model.log(bill, requests * model.assumed["glance_bytes"])
        bill.add("alarms, dashboard, metrics", "alarm", model.assumed["glance_alarms"])
        return bill, tasks
