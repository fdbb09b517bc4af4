/* flash: the chip is the file, mapped shared, so a reader of the file sees every change at once.
 * Two boards on one file would be one chip soldered to two modules: the file is locked. */
#include "tests/board/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/board/fault.h"

enum { BLOCK_BYTES = 65536, MIN_BYTES = 1 << 20, MAX_BYTES = 16 << 20 };
/* Data-sheet typical times; a whole aligned 64 KiB block has an erase command of its own, which the
 * ROM uses. */
#define SECTOR_ERASE_NS 45000000ULL
#define BLOCK_ERASE_NS  150000000ULL
#define PAGE_PROGRAM_NS 500000ULL

struct flash {
    int fd;
    uint32_t size;
    bool paced;
    uint8_t *bytes;
    struct faults *faults; /* NULL: none */
    uint8_t *nothing;      /* what is read of a chip that does not answer: as many zeros */
};

static bool fill_erased(int fd, uint32_t size)
{
    uint8_t erased[FLASH_SECTOR_BYTES];
    memset(erased, 0xff, sizeof erased);
    for (uint32_t done = 0; done < size; done += (uint32_t)sizeof erased) {
        if (write(fd, erased, sizeof erased) != (ssize_t)sizeof erased) return false;
    }
    return true;
}

/* Opens or makes the file and finds out how large the chip is. */
static const char *open_file(struct flash *f, const char *path, uint32_t size, bool *made_out)
{
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->fd < 0) return strerror(errno);
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0) return "in use by another board";
    struct stat st;
    if (fstat(f->fd, &st) != 0) return strerror(errno);
    if (!S_ISREG(st.st_mode)) return "not a regular file";
    if (st.st_size == 0) {
        *made_out = true;
        f->size = size;
        return fill_erased(f->fd, size) ? NULL : strerror(errno);
    }
    if (st.st_size < MIN_BYTES || st.st_size > MAX_BYTES || (st.st_size & (st.st_size - 1)) != 0)
        return "its size is none of 1, 2, 4, 8 or 16 MiB";
    f->size = (uint32_t)st.st_size;
    return NULL;
}

static uint8_t *map_pages(uint32_t n, int access, int flags, int fd)
{
    void *map = mmap(NULL, n, access, flags, fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

struct flash *flash_open(const char *path, uint32_t size, bool *made_out)
{
    *made_out = false;
    struct flash *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    const char *why = open_file(f, path, size, made_out);
    if (!why) {
        f->bytes = map_pages(f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd);
        f->nothing = map_pages(f->size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        if (!f->bytes || !f->nothing) why = strerror(errno);
    }
    if (why) {
        fprintf(stderr, "espboard: flash file %s: %s\n", path, why);
        flash_close(f);
        return NULL;
    }
    return f;
}

void flash_close(struct flash *f)
{
    if (!f) return;
    if (f->bytes) munmap(f->bytes, f->size);
    if (f->nothing) munmap(f->nothing, f->size);
    if (f->fd >= 0) close(f->fd);
    free(f);
}

uint32_t flash_size(const struct flash *f)
{
    return f->size;
}

static bool has_fault(const struct flash *f, enum fault_kind kind)
{
    return f->faults && faults_hit(f->faults, kind, NULL, 0);
}

void flash_set_faults(struct flash *f, struct faults *faults)
{
    f->faults = faults;
}

bool flash_is_dead(const struct flash *f)
{
    return has_fault(f, FAULT_FLASH_DEAD);
}

uint32_t flash_id(const struct flash *f)
{
    enum { GIGADEVICE = 0xc8, GD25Q = 0x40 };
    if (flash_is_dead(f)) return 0;
    uint32_t code = 0;
    while (f->size >> code > 1)
        code++;
    return GIGADEVICE | GD25Q << 8 | code << 16;
}

const uint8_t *flash_bytes(const struct flash *f)
{
    return flash_is_dead(f) ? f->nothing : f->bytes;
}

/* A worn cell holds no charge: its bit is 0 whatever was done to it. */
static void wear(struct flash *f, uint32_t at, size_t n)
{
    uint64_t worn = 0;
    for (size_t i = 0; f->faults && faults_number(f->faults, FAULT_WORN, i, &worn); i++) {
        if (worn >= at && worn < at + n) f->bytes[worn] &= 0xfe;
    }
}

static bool is_inside(const struct flash *f, uint32_t at, size_t n)
{
    return at <= f->size && n <= f->size - at;
}

/* Nothing changes, and nobody is told. */
static bool is_locked(const struct flash *f)
{
    return flash_is_dead(f) || has_fault(f, FAULT_WRITE_PROTECT);
}

bool flash_program(struct flash *f, uint32_t at, const uint8_t *data, size_t n)
{
    if (!is_inside(f, at, n)) return false;
    if (is_locked(f)) return true;
    for (size_t i = 0; i < n; i++)
        f->bytes[at + i] &= data[i];
    wear(f, at, n);
    return memcmp(f->bytes + at, data, n) == 0;
}

bool flash_erase(struct flash *f, uint32_t at, uint32_t n)
{
    if (!is_inside(f, at, n)) return false;
    if (n == 0 || is_locked(f)) return true;
    uint32_t first = at / FLASH_SECTOR_BYTES * FLASH_SECTOR_BYTES;
    uint32_t end = (at + n - 1) / FLASH_SECTOR_BYTES * FLASH_SECTOR_BYTES + FLASH_SECTOR_BYTES;
    memset(f->bytes + first, 0xff, end - first);
    wear(f, first, end - first);
    return true;
}

void flash_set_paced(struct flash *f, bool paced)
{
    f->paced = paced;
}

uint64_t flash_erase_ns(const struct flash *f, uint32_t at, uint32_t n)
{
    if (!f->paced || n == 0) return 0;
    uint64_t ns = 0;
    uint32_t sector = at / FLASH_SECTOR_BYTES;
    const uint32_t end = (at + n - 1) / FLASH_SECTOR_BYTES + 1;
    const uint32_t per_block = BLOCK_BYTES / FLASH_SECTOR_BYTES;
    while (sector < end) {
        bool whole = sector % per_block == 0 && end - sector >= per_block;
        ns += whole ? BLOCK_ERASE_NS : SECTOR_ERASE_NS;
        sector += whole ? per_block : 1;
    }
    return ns;
}

uint64_t flash_program_ns(const struct flash *f, size_t n)
{
    return f->paced ? (n + FLASH_PAGE_BYTES - 1) / FLASH_PAGE_BYTES * PAGE_PROGRAM_NS : 0;
}
