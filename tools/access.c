/*
 * access.c - why a process may not be read                                               Floor t1
 *
 * Called by target_live.c and copy.c once the kernel has refused. The rules are those of ptrace(2),
 * "Ptrace access mode checking", in the kernel's order: identity, dumpable, capabilities, then
 * security modules (Yama).
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/access.h"

#define CAP_SYS_PTRACE_BIT 19

/* What /proc/PID/status says about who a process is. */
struct identity {
	unsigned real, effective, saved;
	unsigned real_group, effective_group, saved_group;
	unsigned long long permitted, effective_caps;
	int seccomp, tracer;
};

static bool identity_read(const char *who, struct identity *id)
{
	char path[64], line[256];
	FILE *status;

	memset(id, 0, sizeof *id);
	snprintf(path, sizeof path, "/proc/%s/status", who);
	status = fopen(path, "re");
	if (!status)
		return false;
	while (fgets(line, sizeof line, status)) {
		sscanf(line, "Uid: %u %u %u", &id->real, &id->effective, &id->saved);
		sscanf(line, "Gid: %u %u %u", &id->real_group, &id->effective_group,
		       &id->saved_group);
		sscanf(line, "CapPrm: %llx", &id->permitted);
		sscanf(line, "CapEff: %llx", &id->effective_caps);
		sscanf(line, "Seccomp: %d", &id->seccomp);
		sscanf(line, "TracerPid: %d", &id->tracer);
	}
	fclose(status);
	return true;
}

static bool identity_of(int pid, struct identity *id)
{
	char who[16];

	snprintf(who, sizeof who, "%d", pid);
	return identity_read(who, id);
}

static bool has_ptrace(const struct identity *me)
{
	return me->effective_caps >> CAP_SYS_PTRACE_BIT & 1;
}

/* 0: off or not in this kernel; 1: only descendants; 2: only CAP_SYS_PTRACE; 3: nobody. */
static int yama_scope(void)
{
	FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &scope) != 1)
		scope = 0;
	fclose(file);
	return scope;
}

/*
 * The files of a process that is not dumpable belong to root, not to its user (its directory in
 * /proc does not show it: the kernel exempts directories that everybody may read).
 */
static bool not_dumpable(int pid, const struct identity *it)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	return stat(path, &st) == 0 && st.st_uid != it->effective;
}

static bool same_user(const struct identity *it, const struct identity *me)
{
	return it->real == me->effective && it->effective == me->effective &&
	       it->saved == me->effective;
}

static bool same_group(const struct identity *it, const struct identity *me)
{
	return it->real_group == me->effective_group &&
	       it->effective_group == me->effective_group && it->saved_group == me->effective_group;
}

bool access_other_user(int pid)
{
	struct identity it, me;

	return identity_of(pid, &it) && identity_read("self", &me) && !same_user(&it, &me);
}

int access_tracer(int pid)
{
	struct identity it;

	return identity_of(pid, &it) ? it.tracer : 0;
}

static enum fault_code explain_yama(int pid, int scope, struct fault *fault)
{
	if (scope == 1)
		return fault_set(
		    fault, FAULT_DENIED,
		    "Yama (kernel.yama.ptrace_scope is 1) lets only a parent read process %d: "
		    "run slabstat as root, or let the program call "
		    "prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY).",
		    pid);
	if (scope == 2)
		return fault_set(fault, FAULT_DENIED,
				 "Yama (kernel.yama.ptrace_scope is 2) lets only a user with "
				 "CAP_SYS_PTRACE read process %d: run slabstat as root.",
				 pid);
	return fault_set(fault, FAULT_DENIED,
			 "Yama (kernel.yama.ptrace_scope is %d) lets nobody read process %d: that "
			 "setting holds until the next boot.",
			 scope, pid);
}

/* The caller lacks CAP_SYS_PTRACE, so the identities decide. FAULT_NONE: they allow it. */
static enum fault_code explain_identity(int pid, const struct identity *it,
					const struct identity *me, struct fault *fault)
{
	if (me->effective == 0)
		return fault_set(
		    fault, FAULT_DENIED,
		    "you are root but without CAP_SYS_PTRACE, and process %d needs it: run "
		    "slabstat outside this container, or give the container that "
		    "capability.",
		    pid);
	if (!same_user(it, me) && it->real == me->effective)
		return fault_set(
		    fault, FAULT_DENIED,
		    "process %d was started by you but runs with the rights of user %u "
		    "(set-user-ID): run slabstat as root.",
		    pid, it->effective);
	if (!same_user(it, me))
		return fault_set(
		    fault, FAULT_DENIED,
		    "process %d belongs to user %u and you are %u: run slabstat as that "
		    "user or as root.",
		    pid, it->effective, me->effective);
	if (!same_group(it, me))
		return fault_set(
		    fault, FAULT_DENIED,
		    "process %d runs with group %u and you with %u: run slabstat with that "
		    "group (newgrp) or as root.",
		    pid, it->effective_group, me->effective_group);
	if (not_dumpable(pid, it))
		return fault_set(fault, FAULT_DENIED,
				 "process %d is not dumpable (it changed its identity or called "
				 "prctl(PR_SET_DUMPABLE, 0)): run slabstat as root.",
				 pid);
	if (it->permitted & ~me->permitted)
		return fault_set(
		    fault, FAULT_DENIED,
		    "process %d holds capabilities that you lack: run slabstat as root.", pid);
	return FAULT_NONE;
}

/* No /proc entry: it does not exist, or /proc hides it. */
static enum fault_code explain_absent(int pid, struct fault *fault)
{
	if (kill(pid, 0) == 0 || errno == EPERM)
		return fault_set(fault, FAULT_DENIED,
				 "process %d exists but /proc hides it (mounted with hidepid): run "
				 "slabstat as its user or as root.",
				 pid);
	return fault_set(fault, FAULT_MISSING, "there is no process %d.", pid);
}

bool access_proc(struct fault *fault)
{
	struct identity me;

	if (identity_read("self", &me))
		return true;
	fault_set(fault, FAULT_DENIED, "/proc is not mounted, or for other processes than these: "
				       "mount it (mount -t proc proc /proc).");
	return false;
}

/* Whether the last file system at /proc is one with hidepid; 1 (noaccess) hides no directory. */
static bool proc_has_hidepid(void)
{
	char line[1024], where[8], *option;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	bool has = false;

	while (mounts && fgets(line, sizeof line, mounts)) {
		if (sscanf(line, "%*s %*s %*s %*s %7s ", where) != 1 || strcmp(where, "/proc") != 0)
			continue;
		option = strstr(line, "hidepid=");
		has = option && strchr("2i4p", option[strlen("hidepid=")]);
	}
	if (mounts)
		fclose(mounts);
	return has;
}

bool access_proc_hides(void)
{
	struct identity me;

	if (!proc_has_hidepid() || (identity_read("self", &me) && has_ptrace(&me)))
		return false;
	/* members of the group that gid= names see all: the first process, and it is not theirs */
	return kill(1, 0) == 0 || access("/proc/1", F_OK) != 0;
}

enum fault_code access_explain(int pid, int error, struct fault *fault)
{
	struct identity it, me;
	int scope = yama_scope();
	enum fault_code code;

	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		return fault_set(fault, FAULT_DENIED,
				 "process %d cannot be looked into (%s): let slabstat have more.",
				 pid, strerror(error));
	if (!access_proc(fault))
		return fault->code;
	identity_read("self", &me);
	if (!identity_of(pid, &it))
		return explain_absent(pid, fault);
	if (!has_ptrace(&me)) {
		code = explain_identity(pid, &it, &me, fault);
		if (code != FAULT_NONE)
			return code;
	}
	if (scope > 2 || (scope > 0 && !has_ptrace(&me)))
		return explain_yama(pid, scope, fault);
	if (error == ENOSYS || me.seccomp != 0)
		return fault_set(
		    fault, FAULT_DENIED,
		    "neither process_vm_readv nor /proc/%d/mem can be used (%s): run slabstat "
		    "outside this container.",
		    pid, me.seccomp ? "a seccomp filter is at work" : "the kernel lacks them");
	return fault_set(
	    fault, FAULT_DENIED,
	    "the kernel refuses to let you read process %d (%s), as with a security module "
	    "or another user namespace: run slabstat as root outside of any container.",
	    pid, strerror(error));
}
