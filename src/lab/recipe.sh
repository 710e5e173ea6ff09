# Makes a lab's base of what debootstrap left: run by `sh -eu` inside it. $1 is the login user.
export DEBIAN_FRONTEND=noninteractive

# Nothing is started while the base is made.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
echo "I: Trusting this machine's certificate authorities"
update-ca-certificates
echo "I: Fetching package lists"
apt-get -q update
echo "I: Installing security updates"
apt-get -q -y dist-upgrade
apt-get -q clean
rm /usr/sbin/policy-rc.d

echo "I: Configuring the base"
useradd --create-home --shell /bin/bash --uid 1000 --user-group "$1"
printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\n' "$1" > "/etc/sudoers.d/$1"
chmod 440 "/etc/sudoers.d/$1"
visudo --check --quiet --file "/etc/sudoers.d/$1"

systemctl enable systemd-networkd.service ssh.service
# What would take the package manager's lock, or the console, at times of its own.
systemctl mask apt-daily.timer apt-daily-upgrade.timer console-getty.service systemd-networkd-wait-online.service
# Until this unit has run, PAM turns away all users but root: whom sshd answers may log in.
mkdir -p /etc/systemd/system/ssh.service.d
printf '[Unit]\nAfter=systemd-user-sessions.service\n' > /etc/systemd/system/ssh.service.d/10-lab.conf

# Each host has its own.
rm -f /etc/ssh/ssh_host_* /etc/hostname /var/lib/dbus/machine-id /var/lib/systemd/random-seed
: > /etc/machine-id
rm -rf /var/log/bootstrap.log /tmp/* /var/tmp/*
