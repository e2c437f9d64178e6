# syntax=docker/dockerfile:1

# The released image, of the programs that scripts/release wrote:
#
#   docker buildx build -f deploy/release.Dockerfile --platform linux/amd64,linux/arm64 target/dist
#
# The same layers as in target `exporter` of the other Dockerfile. Nothing runs while it is built, so no
# architecture is emulated.

FROM gcr.io/distroless/static-debian12:nonroot AS certificates

FROM scratch
ARG TARGETARCH
COPY --from=certificates /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --chmod=755 linux/${TARGETARCH}/coder-agent-exporter /usr/local/bin/
USER 65532:65532
EXPOSE 21120
LABEL org.opencontainers.image.title="coder-agent-exporter" \
      org.opencontainers.image.description="Prometheus exporter and agent-health monitor for self-hosted Coder deployments" \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["/usr/local/bin/coder-agent-exporter"]
