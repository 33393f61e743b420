#!/usr/bin/env bash
# A real SLURM cluster on one machine, for tests: munged, slurmctld and N slurmd (n1 ... nN) on 127.0.0.1.
#
#   cluster.sh missing             what is not installed or not allowed here, one per line; exit 0 if nothing
#   cluster.sh up N | down         start N nodes | stop all that `up` started; `down` may be called twice
#   cluster.sh env                 shell lines to eval: SLURM_CONF, TEST_CLUSTER_USER
#   cluster.sh run CMD...          CMD as the ordinary user, in the current directory, SLURM_CONF set
#   cluster.sh kill-slurmd nX      kill -9 the node's slurmd; its jobs live on
#   cluster.sh kill-node nX        power loss: kill -9 slurmd and every process of the node's jobs
#   cluster.sh start-node nX       power on again, or a new slurmd where it was killed
#   cluster.sh stop-controller | start-controller | pause-controller | resume-controller
#
# As root, jobs belong to the user `bcopytest`, made if missing. Otherwise everything runs as who calls.
# Settings: TEST_CLUSTER       directory of the cluster, no blanks  [${TMPDIR:-/tmp}/bcopy-cluster]
#           TEST_CLUSTER_PORT  first of N + 1 TCP ports             [28600]
#           TEST_CLUSTER_OWNER process id; when it has ended, the cluster goes down by itself
set -u
unset SLURM_CONF
PATH=$PATH:/usr/sbin:/sbin
DIR=${TEST_CLUSTER:-${TMPDIR:-/tmp}/bcopy-cluster}
PORT=${TEST_CLUSTER_PORT:-28600}
CONF=$DIR/etc/slurm.conf
ADMIN=$(id -un)
TEST_USER=$ADMIN
[ "$(id -u)" != 0 ] || TEST_USER=bcopytest

die() { printf 'cluster.sh: %s\n' "$*" >&2; exit 1; }

missing() {
  local program found=0
  set -- munged munge unmunge slurmctld slurmd sbatch squeue scontrol scancel sinfo perl setsid ps
  [ "$(id -u)" != 0 ] || set -- "$@" useradd getent setpriv
  for program; do
    [ -x "$(command -v "$program")" ] || { echo "$program"; found=1; }
  done
  [ "$found" = 0 ]
}

# ---- processes: recorded as "pid start-time", so that a reused pid is never signalled ----
started_at() { # pid -> "state start-time"; fails when it is gone
  local line fields
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -ra fields <<<"${line##*) }"
  echo "${fields[0]} ${fields[19]}"
}
same_process() { # pid start-time: a zombie counts as ended
  local now
  now=$(started_at "$1") && [ "${now%% *}" != Z ] && [ "${now##* }" = "$2" ]
}
alive() { # name
  local pid start
  { read -r pid start <"$DIR/pid/$1"; } 2>/dev/null && same_process "$pid" "$start"
}
pid_of() { cut -d' ' -f1 "$DIR/pid/$1"; }
launch() { # name command...: in the background, in its own session
  local name=$1 now
  shift
  setsid "$@" >>"$DIR/log/$name.out" 2>&1 </dev/null &
  now=$(started_at $!) || return 1
  echo "$! ${now##* }" >"$DIR/pid/$name"
}
descendants() { # "pid start-time" of all below a pid
  local pid now
  for pid in $(ps -eo pid=,ppid= | awk -v root="$1" '
    { below[$2] = below[$2] " " $1 }
    END { todo = root
      while (todo != "") { n = split(todo, a, " "); todo = ""
        for (i = 1; i <= n; i++) if (a[i] in below) { print below[a[i]]; todo = todo " " below[a[i]] }
      } }'); do
    now=$(started_at "$pid") && [ "${now%% *}" != Z ] && echo "$pid ${now##* }"
  done
}
kill_all() { # lines "pid start-time"
  local pid start
  while read -r pid start; do
    [ -n "$pid" ] && same_process "$pid" "$start" && kill -KILL "$pid" 2>/dev/null
  done <<<"$1"
}
stop() { # name: TERM, then KILL, then whatever it had started
  local family tries pid
  if alive "$1"; then
    pid=$(pid_of "$1")
    family=$(cat "$DIR/pid/$1"; descendants "$pid")
    kill -TERM "$pid" 2>/dev/null
    kill -CONT "$pid" 2>/dev/null
    for ((tries = 50; tries > 0; tries--)); do alive "$1" || break; sleep 0.1; done
    kill_all "$family"
    for ((tries = 50; tries > 0; tries--)); do alive "$1" || break; sleep 0.1; done
  fi
  rm -f "$DIR/pid/$1"
}
wait_for() { # seconds command...
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.05; done
}

# ---- configuration ----
write_conf() { # number of nodes
  local host i
  host=$(hostname -s 2>/dev/null || hostname)
  {
    cat <<E
ClusterName=bcopytest
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=$ADMIN
SlurmdUser=$ADMIN
AuthInfo=socket=$DIR/run/munge.sock,cred_expire=5
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
ReturnToService=2
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
AccountingStorageType=accounting_storage/none
PropagateResourceLimits=NONE
JobRequeue=1
SlurmdTimeout=5
MessageTimeout=5
TCPTimeout=2
BatchStartTimeout=10
KillWait=3
MinJobAge=300
MaxArraySize=1001
MaxJobCount=10000
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=2,default_queue_depth=1000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
E
    for ((i = 1; i <= $1; i++)); do
      echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((PORT + i)) CPUs=4 RealMemory=2000"
    done
    echo "PartitionName=copy Nodes=ALL Default=NO MaxTime=1:00:00 DefaultTime=10 State=UP"
    echo "PartitionName=standard Nodes=ALL Default=YES MaxTime=INFINITE State=UP"
  } >"$CONF"
  chmod 644 "$CONF"
}

# ---- daemons ----
munge_answers() { munge -S "$DIR/run/munge.sock" -n | unmunge -S "$DIR/run/munge.sock"; }
start_munged() { # --force: a group-writable directory above is not this cluster's business
  (umask 077; head -c 1024 /dev/urandom >"$DIR/etc/munge.key")
  launch munged munged --foreground --force --key-file="$DIR/etc/munge.key" --socket="$DIR/run/munge.sock" \
    --pid-file="$DIR/run/munged.pid" --log-file="$DIR/log/munged.log" --seed-file="$DIR/run/munge.seed"
  wait_for 10 munge_answers || die "munged did not start: $(tail -n3 "$DIR/log/munged.out")"
}
controller_settled() { ! alive slurmctld || SLURM_CONF=$CONF timeout 3 sinfo -h -o %n; }
start_controller() {
  alive slurmctld && return
  launch slurmctld slurmctld -D -f "$CONF"
  wait_for 20 controller_settled
  alive slurmctld || die "slurmctld did not start: $(tail -n3 "$DIR/log/slurmctld.out")"
}
nodes() { sed -n 's/^NodeName=\(n[0-9]*\) .*/\1/p' "$CONF" 2>/dev/null; }
idle_nodes() { SLURM_CONF=$CONF sinfo -h -N -p standard -t idle -o %N | wc -l; }
all_idle() { [ "$(idle_nodes)" = "$(nodes | wc -l)" ]; }
need_node() { nodes | grep -qxF -- "${1:-}" || die "no node '${1:-}'"; }
slurmd_pid() { # of a node
  alive "node-$1" && ps -o pid=,stat=,args= --ppid "$(pid_of "node-$1")" |
    awk '$2 !~ /Z/ && $3 ~ /slurmd$/ { print $1; exit }'
}
slurmd_runs() { [ -n "$(slurmd_pid "$1")" ]; }
start_node() {
  mkdir -p "$DIR/spool/$1"
  if alive "node-$1"; then
    slurmd_runs "$1" && return
    : >"$DIR/run/start-$1"
    wait_for 5 slurmd_runs "$1" || die "slurmd of $1 did not start"
    return
  fi
  # A child subreaper (prctl 36): slurmstepd and job processes stay below it and die with the node
  # shellcheck disable=SC2016
  launch "node-$1" perl -e '
    my %prctl = (x86_64 => 157, aarch64 => 167); chomp(my $machine = `uname -m`);
    syscall($prctl{$machine}, 36, 1, 0, 0, 0) if $prctl{$machine};
    my $again = shift;
    while (1) {
      my $slurmd = fork; if (!$slurmd) { exec @ARGV; exit 127 }
      while (1) {
        my $ended = waitpid(-1, 1);
        $slurmd = 0 if $ended == $slurmd;
        last if !$slurmd && -e $again && unlink($again);
        select(undef, undef, undef, 0.1) if $ended <= 0;
      }
    }' "$DIR/run/start-$1" slurmd -D -f "$CONF" -N "$1"
}
kill_node() {
  local tries family
  for ((tries = 100; tries > 0; tries--)); do
    alive "node-$1" || break
    family=$(descendants "$(pid_of "node-$1")")
    [ -n "$family" ] || break
    kill_all "$family"
    sleep 0.05
  done
  stop "node-$1"
}

up() { # number of nodes
  [[ ${1:-} =~ ^[1-9][0-9]?$ ]] || die 'up N: 1 to 99 nodes'
  [[ $DIR =~ ^/[^[:space:]]*$ ]] || die "TEST_CLUSTER must be an absolute path without blanks: $DIR"
  local lacking node
  lacking=$(missing) || die "not installed: $(echo "$lacking" | tr '\n' ' ')"
  [ -e "$DIR/.bcopy-cluster" ] || [ -z "$(ls -A "$DIR" 2>/dev/null)" ] || die "$DIR is not empty"
  down
  id -u "$TEST_USER" >/dev/null 2>&1 || useradd -m -s /bin/bash "$TEST_USER" || die "cannot make $TEST_USER"
  umask 022
  mkdir -p "$DIR"/{etc,run,state,log,spool,pid} && : >"$DIR/.bcopy-cluster" && chmod 755 "$DIR" || exit 1
  write_conf "$1"
  trap 'down' EXIT
  trap 'exit 130' INT TERM
  start_munged
  start_controller
  for node in $(nodes); do start_node "$node"; done
  wait_for 30 all_idle || die "only $(idle_nodes) of $1 nodes came up; see $DIR/log"
  [ -z "${TEST_CLUSTER_OWNER:-}" ] || launch watch bash "$0" watch "$TEST_CLUSTER_OWNER"
  trap - EXIT INT TERM
}
down() {
  local node
  [ -e "$DIR/.bcopy-cluster" ] || return 0
  [ "${1:-}" = watch ] || stop watch
  for node in $(nodes); do kill_node "$node"; done
  stop slurmctld
  stop munged
  rm -rf "${DIR:?}"/{etc,state,spool,run,pid}
}
watch() { # pid: returns when it has ended
  local now
  now=$(started_at "$1") || return 0
  while same_process "$1" "${now##* }"; do sleep 0.5; done
}
as_user() {
  if [ "$(id -u)" != 0 ]; then SLURM_CONF=$CONF exec "$@"; fi
  SLURM_CONF=$CONF exec setpriv --reuid="$TEST_USER" --regid="$(id -g "$TEST_USER")" --init-groups \
    env HOME="$(getent passwd "$TEST_USER" | cut -d: -f6)" USER="$TEST_USER" LOGNAME="$TEST_USER" "$@"
}

verb=${1:-}
[ $# = 0 ] || shift
case $verb in
  missing | up | down) "$verb" "$@"; exit ;;
esac
[ -s "$CONF" ] || die "no cluster in $DIR (usage: $0 missing | up N | down | env | run CMD... | ...)"
case $verb in
  watch) watch "$1"; down watch ;;
  env) printf 'export SLURM_CONF=%q TEST_CLUSTER_USER=%q\n' "$CONF" "$TEST_USER" ;;
  run) as_user "$@" ;;
  kill-slurmd)
    need_node "${1:-}"
    slurmd_runs "$1" || die "slurmd of $1 does not run"
    kill -KILL "$(slurmd_pid "$1")" ;;
  kill-node) need_node "${1:-}"; kill_node "$1" ;;
  start-node) need_node "${1:-}"; start_node "$1" ;;
  stop-controller) stop slurmctld ;;
  start-controller) start_controller ;;
  pause-controller) alive slurmctld && kill -STOP "$(pid_of slurmctld)" ;;
  resume-controller) alive slurmctld && kill -CONT "$(pid_of slurmctld)" ;;
  *) die "unknown verb '$verb'" ;;
esac
