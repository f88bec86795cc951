/*
 * map_picture.c - the slabs of caches as a picture                                       Floor t8
 *
 * Called by verbs.c. Each slab is a tile of cells, one for each slot, tiles in the order of
 * addresses; holes are tiles as well. The more slabs there are, the smaller a cell is drawn, down
 * to a pixel. Slabs are collected first, as the size of the picture depends on them.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/each.h"
#include "tools/map_picture.h"
#include "tools/picture.h"
#include "tools/slabs.h"
#include "tools/text.h"

#define CELLS_MAX  ((size_t)96 << 20) /* slots that are shown */
#define AREA_MAX   ((uint64_t)256 << 20) /* cells with what is between the tiles */
#define HOLES_MAX  512                /* tiles for one gap */
#define CACHES_MAX 2000
#define PASSES     6 /* over a cache that moves */
#define MARGIN     16
#define LABEL_PX   190
#define WIDTH_MIN  1400
#define WIDTH_MAX  6000

enum tile_kind { TILE_WHOLE, TILE_DAMAGED, TILE_UNREAD, TILE_HOLE };

struct tile {
	uint64_t base;
	size_t cells; /* where its states begin */
	enum tile_kind kind;
};

struct group {
	char name[SLAB_NAME_BYTES];
	uint64_t object_bytes, slab_bytes;
	struct slabs_sum sum;
	uint32_t objects, across, down; /* cells of a tile */
	size_t first, tiles;
};

struct map {
	struct group *group;
	size_t groups;
	struct tile *tile;
	size_t tiles, tile_room;
	uint8_t *state; /* of all slots, a picture_colour each */
	size_t states, state_room;
	uint64_t area;            /* cells so far, with what is between the tiles */
	bool full;                /* not all could be taken */
	uint64_t missing, hidden; /* slabs unread; caches left out */
};

/* Return: the square root, rounded up, at most 65535. */
static uint32_t root_of(double area)
{
	uint32_t side = 0;

	while (side < 65535 && (double)side * side < area)
		side++;
	return side;
}

/* ---- collecting -------------------------------------------------------------------------- */

static bool add_tile(struct map *map, uint64_t base, enum tile_kind kind)
{
	const struct group *group = &map->group[map->groups];

	map->area += (uint64_t)(group->across + 1) * (group->down + 1);
	if (map->area > AREA_MAX)
		return false;
	if (map->tiles == map->tile_room) {
		size_t room = map->tile_room ? 2 * map->tile_room : 1024;
		struct tile *more = realloc(map->tile, room * sizeof *more);

		if (!more)
			return false;
		map->tile = more;
		map->tile_room = room;
	}
	map->tile[map->tiles++] = (struct tile){ base, map->states, kind };
	map->group[map->groups].tiles++;
	return true;
}

static bool add_states(struct map *map, const struct slabs_slab *slab, uint32_t objects)
{
	static const uint8_t colours[] = { [SLABS_FREE] = PICTURE_FREE,
					   [SLABS_PARKED] = PICTURE_PARKED,
					   [SLABS_LIVE] = PICTURE_LIVE,
					   [SLABS_DAMAGED] = PICTURE_DAMAGED };

	if (map->states + objects > map->state_room) {
		size_t room = 2 * map->state_room + objects + 65536;
		uint8_t *more = room <= 2 * CELLS_MAX ? realloc(map->state, room) : NULL;

		if (!more)
			return false;
		map->state = more;
		map->state_room = room;
	}
	for (uint32_t i = 0; i < objects; i++)
		map->state[map->states++] = colours[slab->state[i]];
	return true;
}

static void take_slab(void *ctx, const struct walk_cache *cache, const struct slabs_slab *slab)
{
	struct map *map = ctx;
	uint64_t holes = slab->hole_before / cache->slab_bytes;
	enum tile_kind kind = slab->missing   ? TILE_UNREAD
			      : slab->damaged ? TILE_DAMAGED
					      : TILE_WHOLE;

	if (map->states + cache->objects_per_slab > CELLS_MAX)
		map->full = true;
	for (uint64_t i = 0; i < holes && i < HOLES_MAX && !map->full; i++)
		map->full = !add_tile(map, slab->base - (holes - i) * cache->slab_bytes, TILE_HOLE);
	if (map->full || !add_tile(map, slab->base, kind) ||
	    (!slab->missing && !add_states(map, slab, (uint32_t)cache->objects_per_slab)))
		map->full = true;
}

/* Numbers that change whenever objects move between slabs, threads and depot. */
static void generations(struct walk *walk, const struct walk_cache *cache, uint64_t now[2])
{
	walk_number(walk, cache->addr, SLAB_F_CACHE_GENERATION, &now[0]);
	walk_number(walk, cache->addr, SLAB_F_CACHE_DEPOT_GENERATION, &now[1]);
}

/* What moved while it was read may look damaged and is not. */
static void forgive(struct map *map, const struct group *group, size_t states)
{
	for (size_t i = group->first; i < map->tiles; i++)
		if (map->tile[i].kind == TILE_DAMAGED)
			map->tile[i].kind = TILE_WHOLE;
	for (size_t i = states; i < map->states; i++)
		if (map->state[i] == PICTURE_DAMAGED)
			map->state[i] = PICTURE_FREE;
}

/* Reads the slabs, in a process again while they move and seem damaged. */
static int take_slabs(struct map *map, struct walk *walk, struct walk_cache *cache)
{
	const struct slabs_visit visit = { take_slab, map };
	struct group *group = &map->group[map->groups];
	uint64_t before[2] = { 0 }, after[2] = { 0 };
	size_t states = map->states;
	uint64_t area = map->area;
	bool moved = true;
	int error = 0;

	for (unsigned pass = 0; pass < PASSES && moved && !map->full; pass++) {
		map->tiles = group->first;
		map->states = states;
		map->area = area;
		group->tiles = 0;
		generations(walk, cache, before);
		error = slabs_each(walk, cache, &visit, &group->sum);
		generations(walk, cache, after);
		moved = group->sum.damaged > 0 && !walk->target->core &&
			(before[0] != after[0] || before[1] != after[1] || before[0] % 2 != 0);
	}
	if (moved)
		forgive(map, group, states);
	return error;
}

static int take_cache(void *ctx, struct walk *walk, unsigned root, struct walk_cache *cache)
{
	struct map *map = ctx;
	struct group *group = &map->group[map->groups];
	int error;

	(void)root;
	if (cache->slabs == 0)
		return 0;
	if (map->groups == CACHES_MAX || map->full) {
		map->hidden++;
		return 0;
	}
	*group = (struct group){ .object_bytes = cache->object_bytes,
				 .slab_bytes = cache->slab_bytes,
				 .objects = (uint32_t)cache->objects_per_slab,
				 .first = map->tiles };
	memcpy(group->name, cache->name, sizeof group->name);
	group->across = root_of(group->objects * 1.3);
	if (group->objects < group->across)
		group->across = group->objects;
	if (group->across == 0)
		group->across = 1;
	group->down = (group->objects + group->across - 1) / group->across;
	error = take_slabs(map, walk, cache);
	map->missing += group->sum.missing;
	if (group->tiles > 0)
		map->groups++;
	return error;
}

/* ---- laying out -------------------------------------------------------------------------- */

struct layout {
	uint32_t cell_px, width, height;
};

static uint32_t tiles_in_row(const struct layout *layout, const struct group *group)
{
	uint32_t room = (layout->width - 2 * MARGIN - LABEL_PX) / layout->cell_px;
	uint32_t fit = room / (group->across + 1);

	if (fit < 1)
		fit = 1;
	return group->tiles < fit ? (uint32_t)group->tiles : fit;
}

static uint32_t rows_of(const struct layout *layout, const struct group *group)
{
	uint32_t fit = tiles_in_row(layout, group);

	return (uint32_t)((group->tiles + fit - 1) / fit);
}

static struct layout lay_out(const struct map *map)
{
	static const struct {
		double area;
		uint32_t cell_px;
	} sizes[] = { { 8e3, 10 }, { 3e4, 8 }, { 1e5, 6 }, { 2.5e5, 4 }, { 1.5e6, 2 } };
	struct layout layout = { .cell_px = 1, .height = 5 * PICTURE_LINE_PX };
	double area = 0, width;

	for (size_t i = 0; i < map->groups; i++)
		area += (double)map->group[i].tiles * (map->group[i].across + 1) *
			(map->group[i].down + 1);
	for (size_t i = sizeof sizes / sizeof sizes[0]; i-- > 0;)
		if (area < sizes[i].area)
			layout.cell_px = sizes[i].cell_px;
	width = root_of(area) * layout.cell_px * 1.2 + LABEL_PX + 2 * MARGIN;
	layout.width = width < WIDTH_MIN   ? WIDTH_MIN
		       : width > WIDTH_MAX ? WIDTH_MAX
					   : (uint32_t)width;
	for (size_t i = 0; i < map->groups; i++)
		layout.height += 3 * PICTURE_LINE_PX + rows_of(&layout, &map->group[i]) *
							   (map->group[i].down + 1) *
							   layout.cell_px;
	return layout;
}

/* ---- drawing ----------------------------------------------------------------------------- */

static void fill_tile(const struct map *map, const struct group *group, const struct tile *tile,
		      uint8_t *cells, uint32_t columns)
{
	for (uint32_t i = 0; i < group->objects; i++) {
		uint8_t *cell = &cells[(size_t)(i / group->across) * columns + i % group->across];

		if (tile->kind == TILE_HOLE)
			*cell = PICTURE_HOLE;
		else if (tile->kind == TILE_UNREAD)
			*cell = PICTURE_UNREAD;
		else
			*cell = map->state[tile->cells + i];
	}
	for (uint32_t i = 0; tile->kind == TILE_DAMAGED && i < group->across; i++)
		cells[(size_t)group->down * columns + i] = PICTURE_DAMAGED; /* underlined */
}

static bool draw_group(struct picture *picture, const struct map *map, const struct layout *layout,
		       const struct group *group, uint32_t y)
{
	uint32_t fit = tiles_in_row(layout, group), rows = rows_of(layout, group);
	uint32_t columns = fit * (group->across + 1), down = group->down + 1, label_y = 0;
	uint8_t *cells = calloc((size_t)columns * down * rows, 1);
	char text[64];

	if (!cells)
		return false;
	for (size_t i = 0; i < group->tiles; i++)
		fill_tile(map, group, &map->tile[group->first + i],
			  cells + (i / fit) * down * (size_t)columns +
			      (i % fit) * (group->across + 1),
			  columns);
	picture_cells(picture, MARGIN + LABEL_PX, y, layout->cell_px, columns, rows * down, cells);
	for (uint32_t row = 0; row < rows; row++) {
		uint32_t at = y + row * down * layout->cell_px;

		if (at < label_y)
			continue;
		snprintf(text, sizeof text, "%#14" PRIx64,
			 map->tile[group->first + row * fit].base);
		picture_text(picture, MARGIN, at > 4 ? at - 3 : at, text, PICTURE_FAINT);
		label_y = at + PICTURE_LINE_PX;
	}
	free(cells);
	return true;
}

static void draw_legend(struct picture *picture, const struct map *map, const char *title)
{
	static const struct {
		enum picture_colour colour;
		const char *word;
	} entries[] = { { PICTURE_LIVE, "live" },
			{ PICTURE_PARKED, "parked in a thread or the depot" },
			{ PICTURE_FREE, "free" },
			{ PICTURE_HOLE, "hole (given back)" },
			{ PICTURE_DAMAGED, "damaged" },
			{ PICTURE_UNREAD, "not read" } };
	uint32_t x = MARGIN, y = MARGIN;
	char text[120];

	picture_text(picture, x, y, title, PICTURE_TEXT);
	y += PICTURE_LINE_PX + 4;
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		picture_box(picture, x, y + 2, 12, 12, entries[i].colour);
		picture_text(picture, x + 18, y, entries[i].word, PICTURE_TEXT);
		x += 18 + (uint32_t)(strlen(entries[i].word) + 3) * PICTURE_CHAR_PX;
	}
	if (!map->full && map->hidden == 0)
		return;
	snprintf(text, sizeof text,
		 "Not all fits into a picture: %" PRIu64 " caches are left out; "
		 "choose some by --cache.",
		 map->hidden);
	picture_text(picture, MARGIN, y + PICTURE_LINE_PX, text, PICTURE_DAMAGED);
}

static bool draw(FILE *out, const struct map *map, bool svg, const char *title)
{
	struct layout layout = lay_out(map);
	uint32_t y = 5 * PICTURE_LINE_PX;
	struct picture picture;
	bool whole = picture_begin(&picture, out, svg, layout.width, layout.height);
	char text[240];

	if (whole)
		draw_legend(&picture, map, title);
	for (size_t i = 0; i < map->groups && whole; i++) {
		const struct group *group = &map->group[i];
		const struct slabs_sum *sum = &group->sum;

		snprintf(text, sizeof text,
			 "%s: %" PRIu64 " slab%s of %" PRIu64 " bytes, %u object%s of %" PRIu64
			 " bytes in each; %" PRIu64 " live, %" PRIu64 " parked, %" PRIu64 " free",
			 group->name, sum->slabs, text_plural(sum->slabs), group->slab_bytes,
			 group->objects, text_plural(group->objects), group->object_bytes,
			 sum->live, sum->parked, sum->free);
		picture_text(&picture, MARGIN, y, text, PICTURE_TEXT);
		y += PICTURE_LINE_PX + 6;
		whole = draw_group(&picture, map, &layout, group, y);
		y += rows_of(&layout, group) * (group->down + 1) * layout.cell_px +
		     2 * PICTURE_LINE_PX - 6;
	}
	return picture_end(&picture) && whole;
}

enum fault_code map_picture(FILE *out, struct target *target, const char *globs, bool svg,
			    struct fault *fault)
{
	struct map map = { .group = calloc(CACHES_MAX + 1, sizeof *map.group) };
	enum fault_code code = FAULT_NONE;
	char title[300];

	if (map.group)
		code = each_cache(target, globs, take_cache, &map, fault);
	snprintf(title, sizeof title, "Slabs of %s, one cell per slot, in the order of addresses",
		 target->label);
	for (char *at = title; *at; at++)
		if (strchr("<>&\"'", *at) || (unsigned char)*at < ' ' || (unsigned char)*at > '~')
			*at = '_'; /* a path may hold anything */
	if (!map.group || !draw(out, &map, svg, title))
		code = fault_set(fault, FAULT_PARTIAL,
				 "the picture is too large: choose caches by --cache.");
	if ((map.full || map.hidden > 0) && code == FAULT_NONE)
		code = fault_set(fault, FAULT_PARTIAL,
				 "not all slabs fit into the picture, %" PRIu64 " caches are left "
				 "out: choose some by --cache.",
				 map.hidden);
	if (map.missing > 0 && code == FAULT_NONE)
		code = fault_set(fault, FAULT_PARTIAL, "%" PRIu64 " slab%s %s.", map.missing,
				 text_plural(map.missing),
				 target->core ? "not in core" : "could not be read");
	free(map.group);
	free(map.tile);
	free(map.state);
	return code;
}
