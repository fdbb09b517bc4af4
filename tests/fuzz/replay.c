/* Runs a fuzz target over every file of the folders that are named, without the fuzzer: what was
 * once found stays found, with any compiler. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &st)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (f) fclose(f);
        return -1;
    }
    /* Exactly as large as the file: one byte too far is an error that the sanitizer sees. */
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    int ok = data && fread(data, 1, size, f) == size;
    fclose(f);
    if (ok) LLVMFuzzerTestOneInput(data, size);
    free(data);
    return ok ? 0 : -1;
}

static int replay_folder(const char *folder, size_t *count)
{
    int bad = 0;
    DIR *d = opendir(folder);
    if (!d) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        return -1;
    }
    for (struct dirent *entry; !bad && (entry = readdir(d));) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.') continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            bad = -1;
        if (!bad) bad = replay_file(path);
        ++*count;
    }
    closedir(d);
    return bad;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    int bad = 0;
    for (int i = 1; !bad && i < argc; i++)
        bad = replay_folder(argv[i], &count);
    printf("%s: %zu inputs\n", argv[0], count);
    return bad || !count ? 1 : 0;
}
