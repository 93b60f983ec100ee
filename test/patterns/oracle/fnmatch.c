/* Records what fnmatch(3) says about the pairs on stdin and about generated ones: see README.md. */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static unsigned long long state = 20260;

static unsigned below(unsigned n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % n;
}

static void put(const char *s)
{
	if (!*s)
		putchar('-');
	for (; *s; s++) {
		unsigned char c = *s;
		if (c <= 0x20 || c >= 0x7f || c == '%' || (c == '-' && !s[1]))
			printf("%%%02X", c);
		else
			putchar(c);
	}
}

static void record(const char *pattern, const char *text)
{
	static const int flags[] = { 0, FNM_PATHNAME, FNM_LEADING_DIR, FNM_PATHNAME | FNM_LEADING_DIR };
	int results = 0;
	for (int i = 0; i < 4; i++)
		if (fnmatch(pattern, text, flags[i]) == 0)
			results |= 1 << i;
	put(pattern);
	putchar(' ');
	put(text);
	printf(" %x\n", results);
}

/* Alphabets from ordinary to nasty. */
static const char *pieces[][24] = {
	{ "a", "b", "c", "/", "/", "*", "*", "?", ".", "**", 0 },
	{ "a", "b", "-", "/", "*", "?", "[ab]", "[!a]", "[a-c]", "\\*", "[^/]", "[[:alpha:]]", "\\", "[b-]", 0 },
	{ "a", "b", "z", "[", "]", "!", "^", "-", "/", "*", "?", "\\", 0 },
	{ "[", "[", "]", "]", ":", ":", "=", ".", "-", "a", "b", "[:alpha:]", "[=a=]", "[.a.]", "!", "*", "\\", "/", "[:x:]", 0 },
	{ "\xc3\xa9", "\xe9", "[\xe0-\xff]", "?", "*", "[!\xe9]", "/", " ", "%", "%p%", "[[:space:]]", "a", "[[:upper:]x]", 0 },
};

static void generate_pattern(char *to, int kind)
{
	int count = 0;
	while (pieces[kind][count])
		count++;
	*to = 0;
	for (int n = 1 + below(kind == 3 ? 9 : 7); n > 0; n--)
		strcat(to, pieces[kind][below(count)]);
}

static void generate_text(char *to, const char *pattern, int kind)
{
	static const char *letters[] = { "abc./", "ab-/c", "abz[]!^-/\\", "ab[]:=.-/", "\xe9\xc3\xa9 a/%p" };
	const char *alphabet = letters[kind];
	int size = strlen(alphabet), follow = below(8) != 0;
	while (*pattern) {
		char c = *pattern++;
		if (follow && c == '*') {
			for (int n = below(3); n > 0; n--)
				*to++ = alphabet[below(size)];
		} else if (follow && c == '?') {
			*to++ = alphabet[below(size)];
		} else if (follow && c == '[' && strchr(pattern, ']') && below(4)) {
			*to++ = below(2) ? *pattern : alphabet[below(size)];
			pattern = strchr(pattern + (*pattern == ']'), ']') ? strchr(pattern + (*pattern == ']'), ']') + 1 : pattern;
			while (*pattern == ']' && below(3))
				pattern++;
		} else if (follow && c == '\\' && below(2)) {
			continue;
		} else if (below(12) == 0) {
			*to++ = alphabet[below(size)];
		} else if (below(20)) {
			*to++ = c;
		}
	}
	if (below(4) == 0) {
		*to++ = '/';
		*to++ = alphabet[below(size)];
	}
	*to = 0;
}

int main(void)
{
	char line[4096], pattern[256], text[512];
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		char *tab = strchr(line, '\t');
		if (!tab || *line == '#')
			continue;
		*tab = 0;
		record(line, tab + 1);
	}
	for (int i = 0; i < 40000; i++) {
		int kind = i % 5;
		generate_pattern(pattern, kind);
		generate_text(text, pattern, kind);
		record(pattern, text);
	}
	return 0;
}
