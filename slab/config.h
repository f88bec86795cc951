/*
 * config.h - what SLAB_DEBUG says                                                        Floor 3
 *
 * SLAB_DEBUG=letters[,glob...][;letters[,glob...]...]; globs know * and ?. Read once, as soon as
 * the environment is there; before that nothing is set. Takes no memory.
 */
#ifndef SLAB_CONFIG_H
#define SLAB_CONFIG_H

#include "slab/layout.h"

/* Reads the environment unless that is done; cheap when done. Takes the registry lock. */
void slab_config_read(void);

/* For tests: reads text instead, as if nothing had been read before. NULL: nothing is set. */
void slab_config_set(const char *text);

/*
 * What the first matching block says of a cache: bits of SLAB_DEBUG_FLAGS and SLAB_ONE_MALLOC, or
 * SLAB_CONFIG_OFF alone ('-': no debugging, the real pool under every tool). 0: no block matches.
 */
uint32_t slab_config_flags(const char *name);

/* The settings of the process: L, r, A, Q. */
const struct slab_config *slab_config(void);

#endif
