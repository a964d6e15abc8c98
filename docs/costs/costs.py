#!/usr/bin/env python3
"""Writes the tables of docs/costs.md from counts.toml (of tests/costs), lists.toml (of bench/lists.py), prices.toml and
months.toml; `--check` compares.

Python 3.11, standard library only. What stands between `<!-- costs.py: NAME -->` and `<!-- end -->` is this script's.
"""

import difflib
import itertools
import re
import sys

from bills import Month
from model import CARRIED, GIB, MIB, ROOT, SECONDS, Model, load

DOCUMENT = ROOT / "docs/costs.md"
MILLION = 1_000_000
TB = 1024  # GB
SHARED = ("balancer, endpoints", "bucket: requests", "bucket: bytes")
STANDING = ("functions", "queues, schedule, keys", "traces", "alarms, dashboard, metrics", "logs", "table: requests")
LINES = ("HTTP API", *STANDING, "table: storage, backup", "database", "containers")


def usd(amount):
    return "–" if amount < 0.005 else f"{amount:,.2f}" if amount < 100 else f"{amount:,.0f}"


def row(*cells):
    return f"| {' | '.join(map(str, cells))} |\n"


def table(head, rows):
    return row(*head) + row("---", *["--:"] * (len(head) - 1)) + "".join(itertools.starmap(row, rows))


# What was counted.

def amounts(calls, name):
    """How often a call was made, and what it came to each time."""
    seen = [call.split()[1] for call in calls if call.split()[0] == name]
    return f"{len(seen)} ({' + '.join(seen)})" if seen else "–"


def stored(calls):
    """The calls of the store, those that follow one another counted."""
    runs = [(name, len(list(run))) for name, run in itertools.groupby(call for call in calls if " " not in call)]
    return ", ".join(f"{times} × {name}" if times > 1 else name for name, times in runs) or "–"


def counts(model):
    rows = []
    for name, counted in model.counted.items():
        calls = counted["calls"]
        gets = sum(call.startswith("get ") for call in calls)
        gets = " + ".join(filter(None, [str(gets or ""), amounts(calls, "get_batch").strip("–")])) or "–"
        units = [counted[kind] or "–" for kind in ("read", "write", "index")]
        queue = ", ".join(counted["queue"]) or "–"
        rows.append((name, gets, amounts(calls, "query"), amounts(calls, "commit"), stored(calls), queue, *units))
    return table(("Operation", "Reads", "Queries (items)", "Writes (items)", "Store", "Queue", "RRU", "WRU", "copies"), rows)


def lists(measured):
    """Pages in a small and a large catalogue: what they read, and how long that took, in milliseconds."""
    pages = {page["name"]: page for page in measured["page"]}
    times = lambda page, key: f"{page[key][-1] / page[key][0]:.2f}"  # noqa: E731
    rows = []
    for name, page in pages.items():
        if name.endswith(" behind"):
            continue
        behind = pages.get(f"{name} behind", page)
        most = [max(page[key] + behind[key]) for key in ("queries", "items")]
        read, served = ([f"{ms:.2f}" for ms in page[key]] for key in ("read_ms", "served_ms"))
        after = [times(behind, key) if behind is not page else "–" for key in ("read_ms", "served_ms")]
        rows.append((name, *most, *read, times(page, "read_ms"), after[0], *served, times(page, "served_ms"), after[1]))
    small, large = (f"{size:,}" for size in measured["sizes"])
    return table(("25 of a list by", "queries", "items", f"ms of {small}", f"of {large}", "times", "behind a marker",
                  f"served: ms of {small}", f"of {large}", "times", "behind a marker"), rows)


# What it costs.

def in_containers(model, name):
    """A body in parts is more than a function carries."""
    return "begin" in model.operations[name]["calls"]


def body_mib(model, name):
    """The smallest body, where one is meant."""
    return min(body["mib"] for body in model.bodies) if name in model.months["carried"]["operations"] else 0.0


def million(model, name):
    """The bill of a million calls, without traces."""
    bill = model.bill()
    model.units(bill, name, MILLION)
    if not in_containers(model, name):
        model.invoke(bill, name, MILLION, body_mib(model, name))
    return bill


def operations(model):
    lines = ("table: requests", "bucket: requests", "HTTP API", "functions", "queues, schedule, keys", "logs")
    rows = []
    for name in model.operations:
        bill = million(model, name)
        ms = "–" if in_containers(model, name) else f"{model.milliseconds(name, body_mib(model, name)):.0f}"
        rows.append((name, ms, *(usd(bill.usd(line)) for line in lines), usd(bill.usd())))
    return table(("A million of", "ms each", "table", "bucket", "API", "function", "queue", "logs", "USD"), rows)


def idle_bill(model):
    bill, calls = model.bill(), {"reaper": 0}
    model.standing(bill, calls)
    model.traces(bill, calls)
    return bill


def idle(model):
    bill = idle_bill(model)
    rows = [(line, usd(bill.usd(line)), usd(bill.usd(line, free=True))) for line in STANDING]
    rows.append(("all of it", usd(bill.usd()), usd(bill.usd(free=True))))
    return table(("A month in which nobody calls", "USD", "less what is free for ever"), rows)


def plane_bill(model):
    """The data plane at rest."""
    bill = model.bill()
    Month(model, model.months["month"][0]).beside(bill, model.deployed.tasks, 0, 0)
    return bill


def of(model, **amounts):
    bill = model.bill()
    for price, amount in amounts.items():
        bill.add("", price, amount)
    return usd(bill.usd())


def keeping(model):
    gb, parts = MILLION * model.image_bytes() / GIB, TB * GIB / MIB / model.deployed.part_mib
    return table(("What is kept and moved", "USD"), [
        ("a TB in the bucket, a month", of(model, bucket_gb=TB)),
        (f"a TB into it in parts of {model.deployed.part_mib} MiB: its requests, once", of(model, s3_put=parts)),
        ("a TB through the balancer of the containers", of(model, alb_lcu_hour=TB)),
        ("a TB out to the internet, whoever serves it", of(model, egress_gb=TB)),
        (f"a million images in the table ({model.image_bytes() / 1000:.1f} KB each, copies and one deleted included), a month",
         of(model, table_gb=gb, backup_gb=gb)),
        (f"the data plane at rest: {model.deployed.tasks} containers, balancer, endpoints, a month", usd(plane_bill(model).usd()))])


# The months.

def traffic(model, months):
    months = [each for each, _ in months]
    stated = (("images stored", "images"), ("shards of the widest lists", "listing_shards"), ("uploads", "uploads"),
              ("downloads", "downloads"))
    rows = [(what, *(f"{each.month[key]:,}" for each in months)) for what, key in stated]
    rows += [(name, *(f"{each.calls.get(name, 0):,}" for each in months))
             for name in dict.fromkeys(name for each in months for name in each.calls)]
    rows += [
        ("objects the bucket tells of", *(f"{each.month['uploads']:,}" for each in months)),
        ("jobs for the reaper, and objects it removes", *(f"{each.deletes:,}" for each in months)),
        ("runs of the reaper by its schedule", *([f"{model.deployed.runs:,}"] * len(months))),
        ("TB stored", *(f"{each.month['images'] * each.mean_gib / TB:,.1f}" for each in months)),
        ("TB up", *(f"{each.up_gib / TB:,.1f}" for each in months)),
        ("TB down", *(f"{each.down_gib / TB:,.1f}" for each in months))]
    mix = ", ".join(f"{body['share']:.0%} of {body['mib']:,} MiB" for body in model.bodies)
    what = "".join(f"- *{each.month['name']}*: {each.month['what']}\n" for each in months)
    return f"{what}- sizes, of what is stored, comes and goes alike: {mix}\n\n" + \
        table(("In a month", *(each.month["name"] for each in months)), rows)


def compared(months):
    head = [way for each, _ in months for way in (f"{each.month['name']}: functions", "serve", "Glance")]
    columns = [bill for _, three in months for bill, _ in three]
    rows = [(line, *(usd(bill.usd(line)) for bill in columns)) for line in LINES]
    rows.append(("**what differs**", *(f"**{usd(bill.usd(*LINES))}**" for bill in columns)))
    rows += [(line, *(usd(bill.usd(line)) for bill in columns)) for line in SHARED]
    return table(("USD a month", *head), [*rows, ("all of it", *(usd(bill.usd()) for bill in columns))])


def sizes(months):
    rows = []
    for each, three in months:
        up, down = (GIB / MIB * gib / SECONDS for gib in (each.up_gib, each.down_gib))
        everything = (True, each.up_gib, each.down_gib)
        busy = (each.vcpu("glint", False, each.large_up_gib, each.large_down_gib), each.vcpu("glint", *everything),
                each.vcpu("glance", *everything))
        tasks = (f"{tasks} ({vcpu:.2f})" for (_, tasks), vcpu in zip(three, busy, strict=True))
        rows.append((each.month["name"], f"{each.requests / SECONDS:,.1f}", f"{up:,.1f}", f"{down:,.1f}", *tasks,
                     f"{each.month['database']} ({each.vcpu('database', *everything):.2f})"))
    return table(("Containers (vCPU busy)", "requests/s", "MiB/s up", "down", "data plane", "serve", "Glance", "MariaDB"), rows)


def crossing(model):
    shows = plane_bill(model).usd() / million(model, "show an image").usd()
    return f"What the data plane costs at rest would pay for {shows:,.0f} million shows a month through the functions.\n"


def summary(model, months):
    def price(name):
        return f"${usd(million(model, name).usd())}"
    bill, size, share = idle_bill(model), model.bodies[0]["mib"], model.assumed["traced_share"]
    lists = [price(name) for name in model.counted if name.startswith("list 25")][:2]
    first, rest = of(model, trace=MILLION), of(model, trace=share * MILLION)
    thousand = model.bill()
    for kind in ("table_gb", "backup_gb"):
        thousand.add("", kind, 1000 * model.image_bytes() / GIB)
    lines = [
        f"**Nobody calls**: ${usd(bill.usd())} a month; ${usd(bill.usd(free=True))} after what AWS gives every account for ever.",
        f"**A million** shows {price('show an image')}, lists {lists[0]} to {lists[1]}, creates {price('create an image')}, patches "
        f"{price('patch an image')}, deletes {price('delete an image with data')};\n  uploads of {size} MiB "
        f"{price('upload less than a part')}, downloads of {size} MiB {price('download')}. Tracing adds, for each million, "
        f"${first}\n  for the first call in each second of each function and ${rest} for all others.",
        f"**A TB** in the bucket ${of(model, bucket_gb=TB)} a month; the records of 1,000 images ${thousand.usd():.4f}.",
        f"**Images of more than {CARRIED / MILLION} MB**, so nearly everybody's, need `glint serve` beside the functions: "
        f"${usd(plane_bill(model).usd())} a month at\n  rest as the template runs it, nothing more on a machine you have."]
    for each, ((functions, _), (serve, _), (glance, _)) in months:
        lines.append(
            f"**{each.month['images']:,} images** and their traffic: ${usd(functions.usd(*LINES))} a month as functions, "
            f"${usd(serve.usd(*LINES))} as `glint serve`\n  alone, ${usd(glance.usd(*LINES))} as Glance; beside "
            f"${usd(functions.usd(*SHARED))} for bytes kept and moved, the same for all three.")
    return "".join(f"- {line}\n" for line in lines)


# What it rests on.

def assumed(model):
    return table(("Assumed", "is"), [(each["what"], f"{each['is']:,}") for each in model.months["assumed"].values()])


def cpu(model):
    """CPU of a request and a GiB, as measured."""
    whose = model.months["cpu"]
    unit = {True: "s a GiB", False: "ms"}
    rows = [(f"{what.removesuffix('_gib')}, {unit[what.endswith('_gib')]}", *(f"{each[what]:.2f}" for each in whose.values()))
            for what in whose["glint"]]
    return table(("CPU of", *whose), rows)


def prices(document):
    rows = []
    for each in document["prices"].values():
        listed = " / ".join(f"{price:.10f}".rstrip("0").rstrip(".") for _, price in each.get("tiers", [[0, each.get("usd")]]))
        rows.append((each["unit"], f"{each['per']:,}", listed, "; ".join(filter(None, (each["source"], each.get("note"))))))
    where = "".join(f"- {name}: {said}\n" for name, said in document["sources"].items())
    return f"Of {document['region']}, as of {document['as_of']}.\n\n" + table(("A", "by", "USD", "source"), rows) + f"\n{where}"


def sections():
    model, document = Model(), load("prices.toml")
    known = document["sources"]
    unsourced = [name for name, each in document["prices"].items() if each["source"].split("/")[0] not in known]
    if unsourced:
        sys.exit(f"prices.toml: no source is known for {', '.join(unsourced)}")
    months = [Month(model, month) for month in model.months["month"]]
    months = [(each, (each.functions(), each.served(), each.glance())) for each in months]
    shard = f"One shard of `table.listing_shards` holds {model.images_a_shard():,} images of this size.\n"
    return {
        "summary": summary(model, months), "counts": counts(model), "lists": lists(load("lists.toml")), "operations": operations(model), "idle": idle(model),
        "keeping": keeping(model), "shard": shard, "crossing": crossing(model), "traffic": traffic(model, months),
        "months": compared(months), "sizes": sizes(months), "assumed": assumed(model), "cpu": cpu(model), "prices": prices(document)}


old = new = DOCUMENT.read_text()
for name, made in sections().items():
    place = re.compile(rf"(?<=<!-- costs\.py: {name} -->\n).*?(?=<!-- end -->)", re.S)
    new, found = place.subn(made.replace("\\", r"\\"), new)
    if found != 1:
        sys.exit(f"docs/costs.md has {found} places for {name}")
if "--check" in sys.argv[1:]:
    here, made = old.splitlines(True), new.splitlines(True)
    sys.stdout.writelines(difflib.unified_diff(here, made, "docs/costs.md", "what docs/costs/costs.py makes of it"))
    print(f"{int(old == new)} passed, {int(old != new)} failed")
    sys.exit(old != new)
DOCUMENT.write_text(new)
