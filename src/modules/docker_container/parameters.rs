//! The parameters of `docker_container`.

use crate::base::Map;
use crate::modules::docker::DockerParams;
use crate::modules::params::{PathText, Raw, Rule};
use crate::{choices, params};

use super::mounts::Mount;
use super::networks::Network;
use super::settings::{DeviceRate, DeviceRequest, Healthcheck};

choices! {
    /// What the container shall be.
    pub enum ContainerState {
        Absent = "absent", Present = "present", Healthy = "healthy", Started = "started", Stopped = "stopped",
    }
}

choices! {
    /// How `command` and `entrypoint` are read.
    pub enum CommandHandling { Compatibility = "compatibility", Correct = "correct" }
}

choices! {
    /// Whether some options have defaults.
    pub enum DefaultBehavior { Compatibility = "compatibility", NoDefaults = "no_defaults" }
}

choices! {
    /// What the options are compared with.
    pub enum ImageComparison { Desired = "desired-image", Current = "current-image" }
}

choices! {
    /// What labels of the image that are not named mean.
    pub enum LabelMismatch { Ignore = "ignore", Fail = "fail" }
}

choices! {
    /// What another name of the same image means.
    pub enum NameMismatch { Ignore = "ignore", Recreate = "recreate" }
}

choices! {
    /// Whether the container has a cgroup namespace of its own.
    pub enum CgroupMode { Private = "private", Host = "host" }
}

choices! {
    /// When a container is started again.
    pub enum RestartPolicy {
        No = "no", OnFailure = "on-failure", Always = "always", UnlessStopped = "unless-stopped",
    }
}

choices! {
    /// What check mode says of a pull.
    pub enum PullCheckMode { ImageNotPresent = "image_not_present", Always = "always" }
}

params! {
    /// Parameters of `docker_container`.
    pub struct DockerContainerParams {
        /// The container.
        name: String;
        /// What it shall be: `present` is made and left as it runs, `healthy` is started and waited for.
        state: ContainerState = ContainerState::Started;
        /// The image: a name with a tag or digest, or an id.
        image: Option<String>;
        /// What is compared with the options: the image that is wanted, or that of the container.
        image_comparison: ImageComparison = ImageComparison::Desired;
        /// What labels of the image mean that `labels` does not name, where labels are compared strictly.
        image_label_mismatch: LabelMismatch = LabelMismatch::Ignore;
        /// Whether a container of the same image under another name is made anew.
        image_name_mismatch: NameMismatch = NameMismatch::Recreate;
        /// When the image is pulled: `never`, `missing` or `always`. With `always` the registry is asked first, and nothing
        /// is pulled that is there already.
        pull: Option<Raw>;
        /// What check mode says of a pull; fleet asks the registry and is exact.
        pull_check_mode_behavior: PullCheckMode = PullCheckMode::ImageNotPresent;
        /// How options are compared: a mapping from their names, or `*`, to `strict`, `ignore`, `allow_more_present`.
        comparisons: Option<Map>;
        /// Whether options that are not given have the defaults of old.
        container_default_behavior: DefaultBehavior = DefaultBehavior::NoDefaults;
        /// Whether an empty command or entrypoint counts, and lists are taken as they are.
        command_handling: CommandHandling = CommandHandling::Correct;
        /// The address that ports are published on where they name none.
        default_host_ip: Option<String>;
        /// Whether the container is made anew, whatever it is like.
        recreate: bool = false;
        /// Whether a container that runs is restarted.
        restart: bool = false;
        /// Whether it is killed instead of stopped.
        force_kill: bool = false, aliases ["forcekill"];
        /// The signal that kills.
        kill_signal: Option<String>;
        /// Whether its anonymous volumes stay when it is removed.
        keep_volumes: bool = true;
        /// Whether the first of `networks` is the one that it is made in, as with `docker run`.
        networks_cli_compatible: bool = true;
        /// Seconds until a container that is being removed must be gone; as long as it takes without it.
        removal_wait_timeout: Option<f64>;
        /// Seconds until it must be healthy; 0 is as long as it takes.
        healthy_wait_timeout: f64 = 300.0;
        /// Whether a container that has ended is removed (`detach: false`).
        cleanup: bool = false;
        /// Whether what it printed goes to the system's log too (`detach: false`); it does not.
        output_logs: bool = false;
        /// Whether it is paused.
        paused: Option<bool>;
        /// Whether it is removed when it ends.
        auto_remove: Option<bool>;
        /// Weight of its block I/O, 10 to 1000.
        blkio_weight: Option<i64>;
        /// Capabilities that it has besides.
        capabilities: Option<Vec<String>>;
        /// Capabilities that it does not have.
        cap_drop: Option<Vec<String>>;
        /// Its cgroup namespace.
        cgroupns_mode: Option<CgroupMode>;
        /// The cgroup that it is below.
        cgroup_parent: Option<String>;
        /// The command, as a text or a list.
        command: Option<Raw>;
        /// Microseconds of a period of the CPU's scheduler.
        cpu_period: Option<i64>;
        /// Microseconds of CPU time in a period.
        cpu_quota: Option<i64>;
        /// Weight of its CPU time.
        cpu_shares: Option<i64>;
        /// Number of CPUs that it may use.
        cpus: Option<f64>;
        /// The CPUs that it may use: `0-2`.
        cpuset_cpus: Option<String>;
        /// The memory nodes that it may use.
        cpuset_mems: Option<String>;
        /// Whether it runs in the background; otherwise its end is waited for.
        detach: Option<bool>;
        /// Rules for devices.
        device_cgroup_rules: Option<Vec<String>>;
        /// Most bytes a second read from devices: `path` and `rate` each.
        device_read_bps: Option<Vec<DeviceRate>>;
        /// Most reads a second from devices.
        device_read_iops: Option<Vec<DeviceRate>>;
        /// GPUs and the like: `capabilities`, `count`, `device_ids`, `driver`, `options` each.
        device_requests: Option<Vec<DeviceRequest>>;
        /// Most bytes a second written to devices.
        device_write_bps: Option<Vec<DeviceRate>>;
        /// Most writes a second to devices.
        device_write_iops: Option<Vec<DeviceRate>>;
        /// Devices: `HOST[:CONTAINER[:rwm]]`.
        devices: Option<Vec<String>>;
        /// Options of the resolver.
        dns_opts: Option<Vec<String>>;
        /// Domains that are searched.
        dns_search_domains: Option<Vec<String>>;
        /// Name servers.
        dns_servers: Option<Vec<String>>;
        /// Its domain.
        domainname: Option<String>;
        /// The entrypoint.
        entrypoint: Option<Vec<String>>;
        /// Its environment; each value is a text.
        env: Option<Map>;
        /// A file of the host with `NAME=VALUE` lines for its environment; `env` wins.
        env_file: Option<PathText>;
        /// Entries of its `/etc/hosts`: a mapping from names to addresses.
        etc_hosts: Option<Map>;
        /// Ports that it listens on, besides those that are published: `80`, `53/udp`, `8000-8010`.
        exposed_ports: Option<Vec<String>>, aliases ["exposed", "expose"];
        /// Further groups of its user.
        groups: Option<Vec<String>>;
        /// How it is told whether it is healthy: `test`, `interval`, `timeout`, `start_period`, `start_interval`,
        /// `retries`.
        healthcheck: Option<Healthcheck>;
        /// Its name of itself.
        hostname: Option<String>;
        /// Whether an init runs in it.
        init: Option<bool>;
        /// Whether its standard input stays open.
        interactive: Option<bool>;
        /// Its IPC namespace.
        ipc_mode: Option<String>;
        /// Most bytes of kernel memory.
        kernel_memory: Option<String>;
        /// Labels.
        labels: Option<Map>;
        /// Containers that it is linked with: `NAME[:ALIAS]`.
        links: Option<Vec<String>>;
        /// Where what it prints goes.
        log_driver: Option<String>;
        /// Options of the log's driver.
        log_options: Option<Map>, aliases ["log_opt"];
        /// Its address on the link layer.
        mac_address: Option<String>;
        /// Most bytes of memory: `512M`.
        memory: Option<String>;
        /// Bytes of memory that it is kept to when the host has little.
        memory_reservation: Option<String>;
        /// Most bytes of memory and swap together; `-1` or `unlimited`.
        memory_swap: Option<String>;
        /// How readily its memory is swapped, 0 to 100.
        memory_swappiness: Option<i64>;
        /// What is mounted: `target`, `source`, `type`, `read_only` … each.
        mounts: Option<Vec<Mount>>;
        /// Its network namespace: `bridge`, `host`, `none`, `container:NAME`, or a network.
        network_mode: Option<String>;
        /// Networks that it is connected to: `name`, `aliases`, `ipv4_address`, `ipv6_address`, `links`, `mac_address` each.
        networks: Option<Vec<Network>>;
        /// Whether it is spared when memory runs out.
        oom_killer: Option<bool>;
        /// How readily it is killed when memory runs out, -1000 to 1000.
        oom_score_adj: Option<i64>;
        /// Its process namespace.
        pid_mode: Option<String>;
        /// Most processes; -1 is no limit.
        pids_limit: Option<i64>;
        /// The platform of the image: `linux/arm64/v8`.
        platform: Option<String>;
        /// Whether it may do everything on the host.
        privileged: Option<bool>;
        /// Whether all exposed ports are published on ports of Docker's choice.
        publish_all_ports: Option<bool>;
        /// Ports that are published: `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`, or ranges.
        published_ports: Option<Vec<String>>, aliases ["ports"];
        /// Whether its root is read-only.
        read_only: Option<bool>;
        /// When it is started again.
        restart_policy: Option<RestartPolicy>;
        /// How often it is, with `on-failure`.
        restart_retries: Option<i64>;
        /// The runtime.
        runtime: Option<String>;
        /// Security options.
        security_opts: Option<Vec<String>>;
        /// Bytes of `/dev/shm`.
        shm_size: Option<String>;
        /// The signal that stops it.
        stop_signal: Option<String>;
        /// Seconds that it has to stop before it is killed; not compared, unless `comparisons` says so.
        stop_timeout: Option<u32>;
        /// Options of the storage driver.
        storage_opts: Option<Map>;
        /// Kernel parameters of its namespaces.
        sysctls: Option<Map>;
        /// Memory file systems: `PATH[:OPTIONS]`.
        tmpfs: Option<Vec<String>>;
        /// Whether it has a terminal.
        tty: Option<bool>;
        /// Limits: `NAME:SOFT[:HARD]`.
        ulimits: Option<Vec<String>>;
        /// The user that it runs as: `NAME|UID[:GROUP|GID]`.
        user: Option<String>;
        /// Its user namespace.
        userns_mode: Option<String>;
        /// Its UTS namespace.
        uts: Option<String>;
        /// The driver of volumes that it is made with.
        volume_driver: Option<String>;
        /// Volumes and directories: `SOURCE:TARGET[:MODE]`, or `TARGET`.
        volumes: Option<Vec<String>>;
        /// Containers whose volumes it has too.
        volumes_from: Option<Vec<String>>;
        /// The directory that it starts in.
        working_dir: Option<String>;
    }
    include { docker: DockerParams }
    rules [
        Rule::RequiredIf("state", "present", &["image"]),
        Rule::RequiredBy("log_options", &["log_driver"]),
        Rule::RequiredBy("restart_retries", &["restart_policy"]),
    ]
}
