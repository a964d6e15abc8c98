"""Servers that Glint is held against, each on a free port, and what a process has used."""

import atexit
import os
import pathlib
import socket
import subprocess

from bench import CLEAN, ROOT, call, wait_for

CALLER = {"X-Identity-Status": "Confirmed", "X-Roles": "admin,manager,member,reader", "X-User-Id": "bench", "X-Project-Id": "bench"}
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    """What a process and all it started have used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / TICK + sum(map(cpu_seconds, children))


def nginx(root):
    """Plain nginx with sendfile on, one worker, for the files of a directory: its address and its process."""
    root.chmod(0o755)  # its worker is another user when the script is run by root
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (root / "nginx.conf").write_text(f"""
daemon off; pid {root}/nginx.pid; error_log {root}/nginx.log; worker_processes 1; {user}
events {{}}
http {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {root}/b; proxy_temp_path {root}/p;
  fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
  server {{ listen 127.0.0.1:{port}; root {root}; }} }}""")
    process = subprocess.Popen(["nginx", "-p", root, "-c", root / "nginx.conf"], env=CLEAN, stderr=subprocess.DEVNULL)
    atexit.register(process.terminate)
    url = f"http://127.0.0.1:{port}"

    def answers():
        try:
            return call(url, "HEAD", "/nginx.conf").status == 200
        except OSError:
            return False

    wait_for("nginx answers", answers)
    return url, process.pid


def glance(work, database):
    """Glance, one worker, its bytes in a directory and its records in `sqlite` or `mysql`: its address, and the processes of it
    and its database. Or nothing, and why. The scripts that start it are those of $COMPAT_SCRIPTS and $ENGINE_SCRIPTS
    (../shared/compat, ../shared/engines beside the checkout)."""
    compat = pathlib.Path(os.environ.get("COMPAT_SCRIPTS", ROOT / "../shared/compat"))
    engines = pathlib.Path(os.environ.get("ENGINE_SCRIPTS", ROOT / "../shared/engines"))
    if not (compat / "glance-up.sh").exists():
        return None, "the scripts that start it are not here"
    port, database_port = str(free_port()), str(free_port())
    where = CLEAN | {"GLANCE_PORT": port, "MARIADB_PORT": database_port, "MARIADB_DIR": str(work / "mariadb"), "FORMAT_MATCH": "false",
                     "GLANCE_STATE": str(work / "glance"), "MYSQL_URL": f"mysql+pymysql://root@127.0.0.1:{database_port}/glance?charset=utf8"}

    def run(*told):
        return subprocess.run(told, env=where, capture_output=True, text=True, check=False)

    sql = ["mariadb", "--no-defaults", "-uroot", "-S", work / "mariadb/s.sock", "-e", "create database glance character set utf8"]
    steps = [["bash", compat / "glance-up.sh", "noauth", "1", database]]
    pids = {"glance": work / "glance/pid"}
    if database == "mysql":
        atexit.register(run, "bash", engines / "mariadb-down.sh")
        steps, pids = [["bash", engines / "mariadb-up.sh"], sql, *steps], pids | {"its MariaDB": work / "mariadb/pid"}
    atexit.register(run, "bash", compat / "glance-down.sh")
    for told in steps:
        done = run(*told)
        if done.returncode != 0:
            return None, (done.stdout + done.stderr).strip().splitlines()[-1]
    return f"http://127.0.0.1:{port}", {name: int(path.read_text().split()[0]) for name, path in pids.items()}
