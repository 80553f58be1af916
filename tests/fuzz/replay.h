/* replay.h - the same target for a hunt and, without HUNT, as a program that replays.
 *
 *	build/tests/fuzz/NAME			what hunts have found their way with, as a test
 *	build/tests/fuzz/NAME FILE...		files, such as one that a hunt has left
 *	build/tests/fuzz/NAME --pack FILE...	files as tests/data/fuzz/NAME has them
 *	build/tests/fuzz/NAME --unpack DIR	and back: a start for scripts/hunt
 *
 * There an input is lines of hex digits, with [N] for N zeros, and ends with an empty line.
 *
 * With HUNT it is libFuzzer's; scripts/hunt makes and runs it.
 *
 * A target says before, in REPLAY_MOST, how large a file may be, where 1 MiB is not it.
 */
/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BP_TESTS_FUZZ_REPLAY_H
#define BP_TESTS_FUZZ_REPLAY_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#ifndef REPLAY_MOST
#define REPLAY_MOST (1u << 20)
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* As a string, which the caller frees. */
static inline char *text_of(const uint8_t *data, size_t len)
{
	char *text = mem_alloc(len + 1);

	if (len)
		memcpy(text, data, len);
	return text;
}

/* The first byte says which of several readers gets the others. */
static inline int read_by_first(void (*const readers[])(char *text, size_t len), size_t n,
				const uint8_t *data, size_t len)
{
	auto_free char *text = NULL;

	if (!len)
		return 0;
	text = text_of(data + 1, len - 1);
	readers[*data % n](text, len - 1);
	return 0;
}

#ifndef HUNT
enum { REPLAY_CORPUS = 8 << 20, REPLAY_COLUMNS = 96, REPLAY_ZEROS = 4 };

static void replay_pack(const unsigned char *data, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len;) {
		size_t zeros = 0;
		char word[24];

		while (i + zeros < len && !data[i + zeros])
			zeros++;
		if (zeros >= REPLAY_ZEROS)
			snprintf(word, sizeof word, "[%zu]", zeros);
		else
			snprintf(word, sizeof word, "%02x", data[i]);
		i += zeros >= REPLAY_ZEROS ? zeros : 1;
		if (column + strlen(word) > REPLAY_COLUMNS)
			column = 0, printf("\n");
		column += (size_t)printf("%s", word);
	}
	printf("\n\n");
}

/* The next input, in place of its text; false: there is none. */
static bool replay_unpack(const char **text, unsigned char *to, size_t *ret_len)
{
	const char *p = *text, *end;
	uint64_t zeros;
	size_t len = 0;
	char digits[3] = "";

	for (; *p && (p == *text || p[-1] != '\n' || *p != '\n'); p++) {
		if (*p == '\n')
			continue;
		if (*p == '[' && parse_number_prefix(p + 1, 10, &zeros, &end) &&
		    zeros <= REPLAY_MOST - len) {
			memset(to + len, 0, (size_t)zeros);
			len += (size_t)zeros;
			p = end;
		} else if (p[1] && len < REPLAY_MOST) {
			memcpy(digits, p++, 2);
			to[len++] = (unsigned char)strtoul(digits, NULL, 16);
		}
	}
	*text = *p ? p + 1 : p;
	*ret_len = len;
	return len;
}

/* Each input of the corpus is given away, with its number, from 1; their number is returned. */
static size_t replay_each(const char *path, void (*give)(const unsigned char *data, size_t len,
							 size_t number, const char *dir),
			  const char *dir)
{
	auto_free unsigned char *buf = mem_alloc(REPLAY_MOST);
	auto_free char *text = NULL;
	struct bp_error err = { 0 };
	const char *rest;
	size_t len, n = 0;

	if (file_read(AT_FDCWD, path, REPLAY_CORPUS, &text, &len, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	for (rest = text; replay_unpack(&rest, buf, &len);) {
		/* Of this size: what reads past its end is seen. */
		auto_free unsigned char *data = mem_alloc(len);

		memcpy(data, buf, len);
		give(data, len, ++n, dir);
	}
	return n;
}

/* Whoever dies leaves the number of what he died of. */
static void replay_one(const unsigned char *data, size_t len, size_t number, const char *dir)
{
	(void)dir;
	printf("# input %zu\n", number);
	(void)LLVMFuzzerTestOneInput(data, len);
}

static void replay_store(const unsigned char *data, size_t len, size_t number, const char *dir)
{
	auto_free char *path = mem_printf("%s/%zu", dir, number);
	FILE *f = fopen(path, "w");

	if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static int replay_corpus(const char *path)
{
	size_t n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	n = replay_each(path, replay_one, NULL);
	printf("%sok 1 - %zu inputs of %s\n1..1\n", n ? "" : "not ", n, path);
	return !n;
}

int main(int argc, char **argv)
{
	bool pack = argc > 1 && strcmp(argv[1], "--pack") == 0;
	const char *slash = strrchr(argv[0], '/');
	auto_free char *path = mem_printf("tests/data/fuzz/%s", slash ? slash + 1 : argv[0]);

	if (argc == 1)
		return replay_corpus(path);
	if (argc == 3 && strcmp(argv[1], "--unpack") == 0)
		return !replay_each(path, replay_store, argv[2]);
	for (int i = 1 + pack; i < argc; i++) {
		struct bp_error err = { 0 };
		auto_free char *data = NULL;
		size_t len;

		if (file_read(AT_FDCWD, argv[i], REPLAY_MOST, &data, &len, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		if (pack)
			replay_pack((const unsigned char *)data, len);
		else
			(void)LLVMFuzzerTestOneInput((const uint8_t *)data, len);
	}
	return 0;
}
#endif

#endif
