"""Wrong declarations by topic; each entry is a title and a function that must be refused."""

from wrong.data import DATA
from wrong.domains import DOMAINS
from wrong.equations import EQUATIONS
from wrong.flows import FLOWS
from wrong.noise import NOISE
from wrong.roles import ROLES
from wrong.unknown import UNKNOWN

TOPICS = (EQUATIONS, DOMAINS, ROLES, DATA, FLOWS, NOISE, UNKNOWN)
WRONG = {title: case for topic in TOPICS for title, case in topic.items()}
