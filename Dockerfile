# The hub in an image of its own: compiled in one stage, run in another by a user who may do
# nothing. The configuration is mounted at /hub; see docker-compose.yml.

FROM rust:1.95.0-bookworm AS build
WORKDIR /build
COPY . .
# librdkafka is built from source; the image has its compilers and headers.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release -p dragoman \
    && install -D -m 755 target/release/dragoman /out/dragoman

FROM debian:12.12-slim
# Pinning these would pin their security fixes away.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin dragoman \
    && install -d -o root -g root -m 755 /hub
COPY --from=build /out/dragoman /usr/local/bin/dragoman
USER 10001:10001
WORKDIR /hub
ENV DRAGOMAN_CONFIG=/hub/dragoman.yaml
EXPOSE 8080 8081
# The first SIGTERM lets it finish what is in hand, for 20 seconds at the most.
STOPSIGNAL SIGTERM
ENTRYPOINT ["dragoman"]
CMD ["--help"]
