"""Small file sets, sound in every respect, to be spoilt by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core import layout
from rostergate.core.policy import ReadingLimits
from rostergate.core.reading import Reading, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rostergate.core.claims import Claims
    from rostergate.core.layout import Format

DIRECT = {
    "schools.csv": "school_id,school_name\n01,Lincoln\n02,Adams\n",
    "teachers.csv": "teacher_id,school_id,first_name,last_name,email,phone\nt1,01,Ann,Hill,t1@school.org,\n",
    "students.csv": (
        "student_id,school_id,first_name,last_name,grade,birth_date,email,phone\n"
        "0s1,01,Bo,Dale,9,2012-03-04,,\n"
        "0s1,02,Bo,Dale,9,2012-03-04,,\n"
    ),
    "guardians.csv": (
        "guardian_id,student_id,first_name,last_name,relationship,contact_type,email,phone\n"
        "g1,0s1,Cy,Dale,mother,primary,g1@home.org,\n"
    ),
    "classes.csv": "class_id,school_id,class_name,teacher_id\nc1,01,Algebra,t1\n",
    "enrollments.csv": "class_id,student_id\nc1,0s1\n",
}
REMIND_1_0 = {
    "schools.csv": "school_id,school_name\n01,Lincoln\n",
    "teachers.csv": (
        "school_id,teacher_id,teacher_first_name,teacher_last_name,teacher_email,teacher_mobile_phone\n"
        "01,t1,Ann,Hill,t1@school.org,555-0101\n"
        "01,t2,Di,Lake,t2@school.org,\n"
    ),
    "students.csv": (
        "school_id,student_id,student_first_name,student_last_name,dob,grade,student_email,student_phone,"
        "guardian_first_name,guardian_last_name,guardian_email,guardian_phone\n"
        "01,s1,Bo,Dale,2012-03-04,9,bo@home.org,555-0102,Cy,Dale,g1@home.org,555-0103\n"
        "01,s2,Ed,Dale,2013-03-04,8,,,,,,\n"
    ),
    "classes.csv": "school_id,class_id,teacher_id,class_name\n01,c1,t1,Algebra\n",
    "enrollments.csv": "school_id,class_id,user_id\n01,c1,s1\n01,c1,t2\n",
}


def readings(files: Mapping[str, str]) -> dict[str, Reading]:
    """Read every file of a set."""
    return {name: read(name, text.encode(), limits=ReadingLimits()) for name, text in files.items()}


def claims(fmt: Format, files: Mapping[str, str]) -> Claims:
    """Say what a set says."""
    found = readings(files)
    return layout.claims(fmt, {name: one.frame for name, one in found.items() if one.frame is not None})
