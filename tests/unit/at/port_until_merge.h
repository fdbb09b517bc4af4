/* Stands in for service/port/port.c until it is there. */
enum err port_read(struct port *p, void *out, size_t cap, struct deadline until, size_t *n_out)
{
    enum err e = p->ops->read(p, out, cap, until, n_out);
    if (!e && p->tap) p->tap(PORT_FROM_BOARD, p->mute ? NULL : out, *n_out, p->tap_arg);
    return e;
}
enum err port_write(struct port *p, const void *data, size_t n, struct deadline until)
{
    if (p->tap) p->tap(PORT_TO_BOARD, data, n, p->tap_arg);
    return p->ops->write_all(p, data, n, until);
}
enum err port_write_secret(struct port *p, const void *data, size_t n, struct deadline until)
{
    if (p->tap) p->tap(PORT_TO_BOARD, NULL, n, p->tap_arg);
    return p->ops->write_all(p, data, n, until);
}
enum err port_flush_input(struct port *p)
{
    return p->ops->flush_input(p);
}
enum err port_drain(struct port *p, struct deadline until)
{
    return p->ops->drain(p, until);
}
