"""Small file sets, sound in every respect, to be spoilt by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core import layout
from rostergate.core.decide import decide
from rostergate.core.policy import Policy, ReadingLimits
from rostergate.core.reading import Reading, read
from rostergate.core.roster import empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rostergate.core.claims import Claims
    from rostergate.core.declaration import Format
    from rostergate.core.verdict import Verdict

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

CLEVER = {
    "schools.csv": "School_id,School_name,School_number,Principal\n01,Lincoln,7,Pat Low\n",
    "students.csv": (
        "School_id,Student_id,Student_number,Last_name,First_name,Grade,DOB,Student_email,"
        "Contact_relationship,Contact_type,Contact_name,Contact_phone,Contact_email,Contact_sis_id\n"
        "01,s1,1,Dale,Bo,Kindergarten,03/04/2012,bo@home.org,mother,guardian,Cy Dale,212-555-0103,g1@home.org,g1\n"
        "01,s1,1,Dale,Bo,Kindergarten,03/04/2012,bo@home.org,uncle,emergency,Al Dale,,al@home.org,\n"
        "01,s2,2,Elm,Ed,8,2013-03-04,ed@home.org,,,,,,\n"
    ),
    "teachers.csv": (
        "School_id,Teacher_id,Last_name,First_name,Teacher_email\n"
        "01,t1,Hill,Ann,t1@school.org\n"
        "01,t2,Lake,Di,t2@school.org\n"
    ),
    "sections.csv": (
        "School_id,Section_id,Teacher_id,Teacher_2_id,Name,Course_name,Period\n"
        "01,c1,t1,t2,Algebra,Math,2\n"
        "01,c2,t2,,,Math,3\n"
    ),
    "enrollments.csv": "School_id,Section_id,Student_id\n01,c1,s1\n01,c2,s1\n01,c2,s2\n",
}
_ONEROSTER = {
    "orgs.csv": (
        "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
        "d,,,District,district,,\n"
        "01,,,Lincoln,school,7,d\n"
        "02,,,Adams,school,8,d\n"
    ),
    "classes.csv": (
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,"
        "termSourcedIds,subjects,subjectCodes,periods\n"
        "c1,,,Algebra,09,k1,A1,scheduled,,01,y,,,1\n"
        "c2,,,Latin,09,k1,A1,scheduled,,02,y,,,1\n"
    ),
    "enrollments.csv": (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
        "e1,,,c1,01,t1,teacher,true,,\n"
        "e2,,,c1,01,p1,teacher,false,,\n"
        "e3,,,c2,02,t2,teacher,true,,\n"
        "e4,,,c1,01,s1,student,,,\n"
        "e5,,,c2,02,s2,student,,,\n"
        "e6,,,c1,01,p1,proctor,,,\n"
    ),
    "demographics.csv": "sourcedId,status,dateLastModified,birthDate,sex\ns1,,,2012-03-04,male\ns2,,,2013-03-04,\n",
    "academicSessions.csv": (
        "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\n"
        "y,,,2026,schoolYear,2026-08-01,2027-06-30,,2027\n"
    ),
}
ONEROSTER_1_1 = {
    **_ONEROSTER,
    "manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.users,bulk\n",
    "users.csv": (
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
        "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,metadata.house\n"
        't1,,,true,"01, d",teacher,t1,,Ann,Hill,,,t1@school.org,,,,,,\n'
        "t2,,,true,d,teacher,t2,,Di,Lake,,,t2@school.org,,,,,,\n"
        "p1,,,true,01,administrator,p1,,Pat,Low,,,p1@school.org,,,,,,\n"
        "x1,,,true,d,administrator,x1,,Max,Far,,,,,,,,,\n"
        's1,,,true,"01,02",student,s1,,Bo,Dale,,,bo@home.org,,212-555-0102,"g1,g2","09,10",,red\n'
        "s2,,,true,d,student,s2,,Ed,Elm,,,,,,,08,,\n"
        "g1,,,true,01,parent,g1,,Cy,Dale,,,g1@home.org,212-555-0103,212-555-0104,s1,,,\n"
        'g2,,,true,01,guardian,g2,,Al,Elm,,,g2@home.org,,,"s2,gone",,,\n'
    ),
}
ONEROSTER_1_2 = {
    **_ONEROSTER,
    "manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\nfile.users,bulk\n",
    "users.csv": (
        "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,"
        "sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,primaryOrgSourcedId\n"
        "t1,,,true,t1,,Ann,Hill,,,t1@school.org,,,,,,,01\n"
        "t2,,,true,t2,,Di,Lake,,,t2@school.org,,,,,,,d\n"
        "p1,,,true,p1,,Pat,Low,,,p1@school.org,,,,,,,01\n"
        's1,,,true,s1,,Bo,Dale,,,bo@home.org,,212-555-0102,"g1,g2","09,10",,,01\n'
        "s2,,,true,s2,,Ed,Elm,,,,,,,08,,,d\n"
        "g1,,,true,g1,,Cy,Dale,,,g1@home.org,212-555-0103,212-555-0104,s1,,,,01\n"
        "g2,,,true,g2,,Al,Elm,,,g2@home.org,,,s2,,,,01\n"
    ),
    "roles.csv": (
        "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
        "userProfileSourcedId\n"
        "r1,,,t1,primary,teacher,,,01,\n"
        "r2,,,t1,secondary,guardian,,,01,\n"
        "r3,,,t2,primary,teacher,,,d,\n"
        "r4,,,p1,primary,principal,,,01,\n"
        "r5,,,s1,primary,student,,,01,\n"
        "r6,,,s1,secondary,student,,,02,\n"
        "r7,,,s2,primary,student,,,d,\n"
        "r8,,,g1,primary,parent,,,01,\n"
        "r9,,,g2,primary,guardian,,,,\n"
    ),
}
SDS_2_1 = {
    "orgs.csv": "sourcedId,name,type,parentSourcedId\nd,District,district,\n01,Lincoln,School,d\n02,Adams,college,d\n",
    "users.csv": (
        "sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms\n"
        "t1,t1@school.org,Ann,Hill,,,,,\n"
        "p1,pat,Pat,Low,,,p1@school.org,,\n"
        "s1,bo@school.org,Bo,Dale,,,bo@home.org,212-555-0102,\n"
        "s2,ed,Ed,Elm,,,,,\n"
        "g1,cy,Cy,Dale,,,g1@home.org,212-555-0104,212-555-0103\n"
        "m1,mo,Mo,Med,,,mo@home.org,,\n"
    ),
    "roles.csv": (
        "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary\n"
        "t1,02,professor,,,TRUE\n"
        "t1,01,teacher,,,FALSE\n"
        "p1,d,principal,,,TRUE\n"
        "s1,01,Student,,9,TRUE\n"
        "s2,d,student,,,TRUE\n"
    ),
    "classes.csv": "sourcedId,orgSourcedId,title\nc1,01,Algebra\nc2,02,Latin\n",
    "enrollments.csv": (
        "classSourcedId,userSourcedId,role\nc1,t1,teacher\nc2,p1,teacher\nc1,s1,student\nc2,s2,student\n"
    ),
    "relationships.csv": (
        "userSourcedId,relationshipUserSourcedId,relationshipRole\ns1,g1,Parent\ns2,g1,relative\ns2,m1,doctor\n"
    ),
    "demographics.csv": "userSourcedId,sex,birthDate\ns1,male,2012-03-04\ns2,,2013-03-04\n",
    "userFlags.csv": "userSourcedId,flag\ns1,iep\n",
}

SETS = {
    "clever": CLEVER,
    "direct": DIRECT,
    "oneroster-1.1": ONEROSTER_1_1,
    "oneroster-1.2": ONEROSTER_1_2,
    "remind-1.0": REMIND_1_0,
    "sds-2.1": SDS_2_1,
}
"""By format."""


def readings(files: Mapping[str, str]) -> dict[str, Reading]:
    """Read every file of a set."""
    return {name: read(name, text.encode(), limits=ReadingLimits()) for name, text in files.items()}


def claims(fmt: Format, files: Mapping[str, str]) -> Claims:
    """Say what a set says."""
    found = readings(files)
    return layout.claims(fmt, {name: one.frame for name, one in found.items() if one.frame is not None})


def verdict(files: Mapping[str, str], fmt: str = "auto") -> Verdict:
    """Decide about a first delivery of a set."""
    return decide({name: text.encode() for name, text in files.items()}, empty(), Policy(format=fmt))


def found(files: Mapping[str, str], fmt: str = "auto") -> list[tuple[str, str | None, str | None, tuple[int, ...]]]:
    """Return what is wrong in a set: code, file, column, lines."""
    return [(one.code, one.file, one.column, one.lines) for one in verdict(files, fmt).findings]


def added(files: Mapping[str, str], fmt: str = "auto") -> dict[str, int]:
    """Return how many rows of each table a first delivery of a set makes."""
    return {name: one.added for name, one in (verdict(files, fmt).totals or {}).items()}


def removed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, int]:
    """Return how many rows of each table a set would take from what another one has made, where it is any."""
    roster = verdict(before).target
    assert roster is not None
    totals = decide({name: text.encode() for name, text in after.items()}, roster, Policy(format="auto")).totals or {}
    return {name: one.removed for name, one in totals.items() if one.removed}


def said(fmt: Format, files: Mapping[str, str], table: str) -> list[tuple[object, ...]]:
    """Return the claims of a set on one table, without file and line."""
    rows: list[tuple[object, ...]] = claims(fmt, files).tables[table].drop("file", "line").rows()
    return rows
