#include "api/handlers/factory.h"

#include <fcntl.h>
#include <unistd.h>

#include "service/base/file.h"
#include "service/base/limits.h"
#include "service/firmware/compose.h"
#include "service/firmware/shelf.h"

enum err factory_build(const struct service *svc, const char *id, const struct firmware_info *info,
                       const struct image_set *images, struct factory *out)
{
    uint8_t digest[SHA256_BYTES];
    char path[SHELF_PATH];
    struct content *content = NULL;
    buf_init_secret(&out->bytes, LIMIT_IMAGE_BYTES);
    shelf_path(svc->data_dir, id, "content", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return file_error(path);
    enum err e = firmware_content(info, fd, images, &content);
    if (!e) e = content_compose(content, info->flash_bytes, &out->bytes);
    content_free(content);
    close(fd);
    if (e) return e;
    digest_sha256(out->bytes.data, out->bytes.len, digest);
    out->image = (struct image){.file = FACTORY_FILE,
                                .partition_size = info->flash_bytes,
                                .bytes = {out->bytes.data, out->bytes.len},
                                .holds_key = true};
    digest_hex(digest, sizeof digest, out->image.sha256);
    return ERR_OK;
}

void factory_dispose(struct factory *f)
{
    buf_dispose(&f->bytes);
}
