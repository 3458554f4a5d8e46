"""What a model makes of its own attempts."""

from selftaught.reflect.revise import Revise as Revise
