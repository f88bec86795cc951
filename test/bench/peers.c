/* peers.c - which allocators take part, and in which version */
#include "run.h"

#include <string.h>

static const char *const kinds[] = { "subject", "variant", "option", "peer",
	                             "eager",   "bound",   "missing" };

const char *kind_name(enum kind kind)
{
	return kinds[kind];
}

/* "KIND NAME PROGRAM [ENV=value...]"; words end at blanks. */
const char *add_peer(struct run *run, char *spec)
{
	struct peer *peer = &run->peers[run->n_peers];
	char *rest, *word = strtok_r(spec, " ", &rest);
	size_t i;

	if (run->n_peers == MAX_PEERS)
		return "too many peers";
	for (i = 0; word != NULL && i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(word, kinds[i]) == 0)
			break;
	}
	if (word == NULL || i == sizeof kinds / sizeof *kinds)
		return "a peer begins with its kind";
	peer->kind = (enum kind)i;
	peer->name = strtok_r(NULL, " ", &rest);
	peer->program = strtok_r(NULL, " ", &rest);
	if (peer->program == NULL)
		return "a peer has a name and a program";
	for (i = 0; (word = strtok_r(NULL, " ", &rest)) != NULL; i++) {
		if (i == sizeof peer->env / sizeof *peer->env - 1)
			return "too many settings for one peer";
		peer->env[i] = word;
	}
	run->n_peers++;
	return NULL;
}

/* A malloc given by path must really serve: a failed preload would measure glibc instead. */
static bool serves(const struct peer *peer)
{
	const char *path, *file;

	if (peer->env[0] == NULL || strncmp(peer->env[0], "LD_PRELOAD=", 11) != 0)
		return true;
	path = peer->env[0] + 11;
	file = strrchr(path, '/');
	return strstr(peer->version, file ? file + 1 : path) != NULL;
}

void ask_versions(struct run *run)
{
	char *args[] = { NULL, "version", NULL };
	size_t i;

	for (i = 0; i < run->n_peers; i++) {
		struct peer *peer = &run->peers[i];

		if (peer->kind == MISSING)
			continue;
		if (!spawn(peer, args, peer->version, sizeof peer->version)) {
			peer->kind = MISSING;
			continue;
		}
		peer->version[strcspn(peer->version, "\n")] = '\0';
		if (serves(peer))
			continue;
		fprintf(stderr, "%s: %s was not loaded, or is no malloc\n", peer->name,
		        peer->env[0] + 11);
		peer->kind = MISSING;
		peer->program = peer->env[0] + 11;
	}
}
